#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <mics/collectives/call.hpp>
#include <mics/collectives/call_site.hpp>
#include <mics/types.hpp>

namespace mics::detail {

/// The memory that one call of a batch reads or writes.
struct touched_memory {
  std::uintptr_t begin;
  std::uintptr_t end;
  std::size_t call;
  bool written;
};

inline void add_touched(std::vector<touched_memory>& all, const collective_call& call, std::size_t number, int rank) {
  const auto add = [&](const void* data, std::size_t elements, bool written) {
    const auto begin = reinterpret_cast<std::uintptr_t>(data);
    if (elements > 0) all.push_back({begin, begin + elements * size_of(call.type), number, written});
  };
  const bool whole = call.what == operation::all_reduce || call.what == operation::broadcast;
  const std::size_t total = call.blocks.total();
  const std::size_t own = whole ? total : call.blocks.length(rank);
  add(call.input, call.what == operation::all_gather ? own : total, false);
  add(call.output, call.what == operation::reduce_scatter ? own : total, true);
}

/// Throws usage_error when a call of a batch writes what another one reads or writes.
inline void check_apart(std::span<const collective_call> calls, const call_site& at) {
  std::vector<touched_memory> all;
  for (std::size_t number = 0; number < calls.size(); ++number) add_touched(all, calls[number], number, at.rank);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size() && all[j].begin < all[i].end; ++j) {
      const bool clash = all[i].call != all[j].call && (all[i].written || all[j].written);
      at.require(!clash, calls[all[j].call].what, [&] {
        const auto [first, second] = std::minmax(all[i].call, all[j].call);
        return "calls " + std::to_string(first) + " and " + std::to_string(second) +
               " of a batch overlap in memory that one of them writes; run them one after the other";
      });
    }
  }
}

}  // namespace mics::detail
