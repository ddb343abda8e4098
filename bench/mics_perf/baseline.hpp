#pragma once

#include <barrier>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "barriers.hpp"
#include "exchange.hpp"
#include "memory.hpp"

namespace perf {

/// What the goals are measured against, on the same threads: a plain copy of the same bytes, and bare barriers.
class baseline {
 public:
  baseline(int threads, std::size_t bytes) : common_(bytes), standard_(threads), yielding_(threads) {}

  /// Each rank copies the bytes that reach it. A gather reads M bytes in all, so the ranks share the source;
  /// a reduction reads M bytes a rank, so each has its own.
  [[nodiscard]] std::function<void()> copy(const exchange& call, memory& own, memory& to) {
    std::size_t bytes = call.bytes();
    if (call.in_place && call.op == mics::operation::all_gather) bytes -= call.block_bytes();
    const std::byte* const source = (call.reduces() ? own : common_).span(bytes).data();
    return [=, target = to.span(bytes).data()] { std::memcpy(target, source, bytes); };
  }

  [[nodiscard]] std::vector<std::function<void()>> barriers() {
    return {[this] { standard_.arrive_and_wait(); }, [this] { yielding_.arrive_and_wait(); }};
  }

 private:
  memory common_;
  std::barrier<> standard_;
  yielding_barrier yielding_;
};

}  // namespace perf
