#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <mics/bootstrap/detail/wire.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap::detail {

enum class operation : std::uint8_t { all_gather = 1, broadcast, barrier };

constexpr const char* name_of(operation what) noexcept {
  switch (what) {
    case operation::all_gather:
      return "all_gather";
    case operation::broadcast:
      return "broadcast";
    case operation::barrier:
      return "barrier";
  }
  return "unknown operation";
}

/// One rank's call of an operation.
struct call {
  std::uint64_t sequence = 0;  ///< the rank's operations count from 1
  operation what{};
  int root = 0;
  std::uint64_t timeout_ms = 0;

  [[nodiscard]] std::string describe() const {
    return name_of(what) + std::string(what == operation::broadcast ? " from rank " + std::to_string(root) : "");
  }
};

struct contribution {
  call of{};
  bytes value{};
};

inline bytes write_contribution(const call& of, byte_view value) {
  writer out;
  out.number(of.sequence).number(static_cast<std::uint8_t>(of.what)).rank(of.root).number(of.timeout_ms);
  return out.block(value).take();
}

inline std::optional<contribution> read_contribution(byte_view body) {
  reader in(body);
  contribution said;
  said.of.sequence = in.number<std::uint64_t>();
  said.of.what = static_cast<operation>(in.number<std::uint8_t>());
  said.of.root = in.rank();
  said.of.timeout_ms = in.number<std::uint64_t>();
  const byte_view value = in.block();
  if (!in.complete() || said.of.what < operation::all_gather || said.of.what > operation::barrier) return std::nullopt;
  said.value.assign(value.begin(), value.end());
  return said;
}

/// How an operation ended, the same for all ranks that took part.
struct verdict {
  enum class kind : std::uint8_t { done = 1, usage, timeout, aborted };
  kind how = kind::done;
  std::uint64_t sequence = 0;
  std::string why{};
  bytes result{};

  [[nodiscard]] bytes write() const {
    return writer().number(static_cast<std::uint8_t>(how)).number(sequence).text(why).block(result).take();
  }

  static std::optional<verdict> read(byte_view body) {
    reader in(body);
    verdict said;
    said.how = static_cast<kind>(in.number<std::uint8_t>());
    said.sequence = in.number<std::uint64_t>();
    said.why = in.text();
    const byte_view result = in.block();
    if (!in.complete() || said.how < kind::done || said.how > kind::aborted) return std::nullopt;
    said.result.assign(result.begin(), result.end());
    return said;
  }

  /// Throws what stands for an end without a result.
  void check(const error_context& where) const {
    if (how == kind::usage) throw usage_error(why, where);
    if (how == kind::timeout) throw timeout_error(why, where);
    if (how == kind::aborted) throw aborted_error(why, where);
  }
};

}  // namespace mics::bootstrap::detail
