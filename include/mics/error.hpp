#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace mics {

/// Where a failure happened, as far as it is known; empty fields are left out of the message.
struct error_context {
  int rank = -1;               ///< the rank that reports, in the world; -1: not known
  std::string group{};         ///< e.g. "partition 0 of 2"
  std::string operation{};     ///< e.g. "all_gather"
  std::uint64_t sequence = 0;  ///< the operation's number in its group, from 1; 0: no operation
  std::string stage{};         ///< what the rank was waiting for or doing
  std::string native{};        ///< the code of the library below, in words
};

namespace detail {
inline std::string with_context(const std::string& what, const error_context& where) {
  std::string text = what;
  auto add = [&text, first = true](const std::string& part) mutable {
    text += (first ? " [" : ", ") + part;
    first = false;
  };
  const std::size_t plain = text.size();
  if (where.rank >= 0) add("rank " + std::to_string(where.rank));
  if (!where.group.empty()) add("group " + where.group);
  if (!where.operation.empty()) {
    add(where.operation + (where.sequence > 0 ? " #" + std::to_string(where.sequence) : ""));
  }
  if (!where.stage.empty()) add(where.stage);
  if (!where.native.empty()) add(where.native);
  if (text.size() > plain) text += ']';
  return text;
}
}  // namespace detail

/// Root of everything the library throws; what() holds the message and the context in words.
class error : public std::runtime_error {
 public:
  explicit error(const std::string& what, error_context where = {})
      : std::runtime_error(detail::with_context(what, where)), where_(std::move(where)) {}

  [[nodiscard]] const error_context& context() const noexcept { return where_; }

 private:
  error_context where_;
};

/// The caller's mistake, found before any data moved: sizes, types, overlap, order of calls, ranks that disagree.
/// (Unchecked, a disagreement of ranks may show in the middle of an operation only; the group is of no use then.)
class usage_error : public error {
  using error::error;
};

/// A geometry that cannot exist: zero or negative sizes, p does not divide N, overflow.
class topology_error : public error {
  using error::error;
};

/// A peer did not arrive within the deadline.
class timeout_error : public error {
  using error::error;
};

/// Another rank failed, so this operation can never complete; names the culprit.
class aborted_error : public error {
  using error::error;
};

/// The layer below failed (network, GPU library, operating system).
class transport_error : public error {
  using error::error;
};

}  // namespace mics
