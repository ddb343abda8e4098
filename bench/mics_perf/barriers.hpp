#pragma once

#include <atomic>
#include <thread>

namespace perf {

/// The plainest barrier among threads that may be more than the cores: one counter, one generation, yield meanwhile.
class yielding_barrier {
 public:
  explicit yielding_barrier(int threads)
      : threads_(threads), spins_(threads <= static_cast<int>(std::thread::hardware_concurrency()) ? 1000 : 0) {}

  void arrive_and_wait() {
    const unsigned generation = generation_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      generation_.store(generation + 1, std::memory_order_release);
      return;
    }
    for (int spin = 0; generation_.load(std::memory_order_acquire) == generation; ++spin) {
      if (spin >= spins_) std::this_thread::yield();
    }
  }

 private:
  const int threads_;
  const int spins_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> generation_{0};
};

}  // namespace perf
