#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <mics/options.hpp>
#include <mics/plan/choice.hpp>
#include <mics/shape.hpp>
#include <mics/types.hpp>

namespace mics::nccl {

/// What was the fastest way for one operation, in groups of one shape, up to one size.
struct tuned_range {
  operation what = operation::all_gather;
  int nodes = 1;
  int node_size = 1;
  std::size_t up_to_bytes = 0;  ///< M, inclusive
  algorithm how = algorithm::native;
  algorithm on_rail = algorithm::direct;
  std::size_t chunk_bytes = 0;  ///< of a block, whose stages overlap chunk by chunk; 0: whole blocks, stage by stage

  bool operator==(const tuned_range&) const = default;
};

/// Measurements of one kind of machine, from which `automatic` chooses; `mics_perf --tune` writes them. The ranges of
/// one operation and shape lie in ascending order; what they do not cover is chosen by the built-in rules.
struct tuned_table {
  std::string machine{};  ///< as machine_name() calls it
  std::vector<tuned_range> ranges{};

  bool operator==(const tuned_table&) const = default;

  /// The range that covers a request; null if none does.
  [[nodiscard]] const tuned_range* find(operation what, std::size_t bytes, const group_shape& shape) const noexcept {
    for (const tuned_range& r : ranges) {
      const bool same = r.what == what && r.nodes == shape.nodes && r.node_size == shape.node_size;
      if (same && bytes <= r.up_to_bytes) return &r;
    }
    return nullptr;
  }

  /// The same on two ranks if their tables are, and almost never else.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept {
    std::uint64_t print = 0xcbf29ce484222325;  // FNV-1a
    const auto mix = [&print](std::uint64_t number) {
      for (int byte = 0; byte < 8; ++byte) print = (print ^ (number >> (8 * byte) & 0xff)) * 0x100000001b3;
    };
    for (const char letter : machine) mix(static_cast<std::uint64_t>(letter));
    for (const tuned_range& r : ranges) {
      mix(static_cast<std::uint64_t>(r.what));
      mix(static_cast<std::uint64_t>(r.nodes));
      mix(static_cast<std::uint64_t>(r.node_size));
      mix(r.up_to_bytes);
      mix(static_cast<std::uint64_t>(r.how));
      mix(static_cast<std::uint64_t>(r.on_rail));
      mix(r.chunk_bytes);
    }
    return print;
  }
};

}  // namespace mics::nccl
