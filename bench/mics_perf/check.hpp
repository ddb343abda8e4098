#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "exchange.hpp"
#include "pattern.hpp"
#include "verify.hpp"

namespace perf {

/// Poisons the output, then writes this rank's contribution.
inline void prepare(const exchange& call, std::uint64_t seed) {
  std::memset(call.out.data(), 0xa5, call.out.size());
  if (call.reduces()) {
    fill(terms(call.type, call.reduction, call.rank, call.ranks, seed), 0, call.in);
  } else if (call.op != mics::operation::broadcast || call.rank == root) {
    fill(moved_data(call.type, call.rank, seed), 0, call.in);
  }
}

/// Elements of this rank's output that are not what `prepare` on every rank leads to; a changed input counts as well.
inline std::uint64_t wrong_elements(const exchange& call, std::uint64_t seed) {
  std::uint64_t wrong = 0;
  if (call.reduces()) {
    const double off = tolerance(call.type, call.reduction, call.ranks);
    const std::size_t first = call.sharded() ? static_cast<std::size_t>(call.rank) * call.count : 0;
    wrong += count_wrong(result(call.type, call.reduction, call.ranks, seed), first, call.out, call.type, off);
    if (!call.in_place) {
      wrong += count_wrong(terms(call.type, call.reduction, call.rank, call.ranks, seed), 0, call.in, call.type);
    }
    return wrong;
  }
  if (call.op == mics::operation::broadcast) {
    return count_wrong(moved_data(call.type, root, seed), 0, call.out, call.type);
  }
  for (int rank = 0; rank < call.ranks; ++rank) {
    const auto block = call.out.subspan(static_cast<std::size_t>(rank) * call.block_bytes(), call.block_bytes());
    wrong += count_wrong(moved_data(call.type, rank, seed), 0, block, call.type);
  }
  if (!call.in_place) wrong += count_wrong(moved_data(call.type, call.rank, seed), 0, call.in, call.type);
  return wrong;
}

/// Damages the last element, for the self-test.
inline void corrupt(const exchange& call) { call.out.back() ^= std::byte{1}; }

}  // namespace perf
