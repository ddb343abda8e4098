#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mics/transport/nccl/tuning.hpp>
#include <mics/types.hpp>

#include "../names.hpp"
#include "../row.hpp"

namespace perf {

/// The entry of --algo that a range stands for.
inline std::string_view variant_of(const mics::nccl::tuned_range& range) {
  if (range.how == mics::algorithm::native) return "native";
  const bool packed = range.on_rail == mics::algorithm::native;
  if (range.chunk_bytes > 0) return packed ? "overlapped_packed" : "overlapped";
  return packed ? "packed" : "hierarchical";
}

namespace detail {

/// The entries of --algo that a range can stand for, the ones with the fewest launches first, then with the least
/// memory: messages of sums need a kernel, where those of a gather need no rows.
inline constexpr std::string_view ways[] = {"native", "hierarchical", "packed", "overlapped", "overlapped_packed"};
inline constexpr std::string_view ways_of_sums[] = {"native", "packed", "hierarchical", "overlapped_packed"};
inline std::span<const std::string_view> ways_of(std::string_view op) {
  const bool sums = op == name_of(mics::operation::reduce_scatter) || op == name_of(mics::operation::all_reduce);
  if (sums) return ways_of_sums;
  return ways;
}

/// Small ways that are this close count as equal; then the one with fewer launches is taken. Large ones are not: what a
/// launch costs is in their times already.
inline constexpr double tie = 1.02;
inline constexpr std::size_t large = std::size_t{1} << 20;

/// Seconds of each way at one size, both forms together.
using times = std::map<std::string, double>;

inline std::string winner(std::string_view op, std::size_t size, const times& of) {
  double best = of.begin()->second;
  for (const auto& [name, us] : of) best = std::min(best, us);
  for (const std::string_view name : ways_of(op)) {
    const auto found = of.find(std::string(name));
    if (found != of.end() && found->second <= best * (size < large ? tie : 1.0)) return std::string(name);
  }
  return of.begin()->first;
}

inline mics::nccl::tuned_range range_of(const row& measured, const std::string& name, std::size_t chunk_bytes) {
  const int nodes = measured.partition / measured.node_size;
  const bool native = name == "native";
  return {.what = look_up(measured.op, operation_names()).second,
          .nodes = nodes,
          .node_size = measured.node_size,
          .how = native ? mics::algorithm::native : mics::algorithm::hierarchical,
          .on_rail = name.ends_with("packed") ? mics::algorithm::native : mics::algorithm::direct,
          .chunk_bytes = name.starts_with("overlapped") ? chunk_bytes : 0};
}

}  // namespace detail

/// The fastest way at each size of each operation, neighbours of one kind merged. A size speaks for the sizes that are
/// nearer to it, by their ratio, than to the next one measured; the largest for as many above it as below.
/// `chunk_bytes`: of the overlapped ways.
inline std::vector<mics::nccl::tuned_range> fastest(const std::vector<row>& rows, std::size_t chunk_bytes) {
  std::map<std::string, std::map<std::size_t, detail::times>> measured;
  std::map<std::string, const row*> any;
  for (const row& r : rows) {
    if (std::find(std::begin(detail::ways), std::end(detail::ways), r.algo) == std::end(detail::ways)) continue;
    measured[r.op][r.size][r.algo] += r.time_us;
    any[r.op] = &r;
  }
  std::vector<mics::nccl::tuned_range> ranges;
  for (const auto& [op, sizes] : measured) {
    const std::size_t first = ranges.size();
    double ratio = 1;
    for (auto at = sizes.begin(); at != sizes.end(); ++at) {
      const auto next = std::next(at);
      const auto size = static_cast<double>(at->first);
      if (next != sizes.end()) ratio = std::sqrt(static_cast<double>(next->first) / size);
      mics::nccl::tuned_range range =
          detail::range_of(*any[op], detail::winner(op, at->first, at->second), chunk_bytes);
      range.up_to_bytes = static_cast<std::size_t>(size * ratio);
      const bool same = ranges.size() > first && variant_of(ranges.back()) == variant_of(range);
      if (same) ranges.pop_back();
      ranges.push_back(range);
    }
  }
  return ranges;
}

}  // namespace perf
