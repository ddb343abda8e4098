#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <mics/types.hpp>

namespace perf {

inline constexpr int root = 0;  ///< of every broadcast

/// One collective on this rank's memory: what, where from, where to.
struct exchange {
  mics::operation op{};
  mics::data_type type{};
  mics::reduction reduction{};
  int rank = 0;
  int ranks = 1;
  std::size_t count = 0;  ///< elements of one shard, or of the whole buffer (all-reduce, broadcast)
  bool in_place = false;
  std::span<std::byte> in{};
  std::span<std::byte> out{};

  [[nodiscard]] bool sharded() const {
    return op == mics::operation::all_gather || op == mics::operation::reduce_scatter;
  }
  [[nodiscard]] bool reduces() const {
    return op == mics::operation::reduce_scatter || op == mics::operation::all_reduce;
  }
  [[nodiscard]] std::size_t block_bytes() const { return count * mics::size_of(type); }
  /// The `size` of the tables, M.
  [[nodiscard]] std::size_t bytes() const { return block_bytes() * (sharded() ? static_cast<std::size_t>(ranks) : 1); }
};

/// Elements of the call whose size comes nearest to `bytes` from below, but never none.
inline std::size_t count_for(mics::operation op, mics::data_type type, int ranks, std::size_t bytes) {
  exchange one{.op = op, .type = type, .ranks = ranks, .count = 1};
  return std::max<std::size_t>(1, bytes / one.bytes());
}

/// Places the call in the two buffers; in place, one of them holds everything.
template <class Memory> exchange placed(exchange call, Memory& first, Memory& second) {
  const std::size_t block = call.block_bytes();
  const std::size_t own = static_cast<std::size_t>(call.rank) * block;
  switch (call.op) {
    case mics::operation::all_gather:
      call.out = second.span(call.bytes());
      call.in = call.in_place ? call.out.subspan(own, block) : first.span(block);
      break;
    case mics::operation::reduce_scatter:
      call.in = first.span(call.bytes());
      call.out = call.in_place ? call.in.subspan(own, block) : second.span(block);
      break;
    default:
      call.out = second.span(block);
      call.in = call.in_place ? call.out : first.span(block);
      break;
  }
  return call;
}

}  // namespace perf
