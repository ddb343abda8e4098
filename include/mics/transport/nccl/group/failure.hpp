#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>

namespace mics::nccl {

/// Whether a family of groups is of no use any more, and why: a world and what was split off from it share one, for
/// they share ranks, and often resources. Any thread may set it; the first reason stays.
class failure_state {
 public:
  void set(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (set_.load(std::memory_order_relaxed)) return;
    why_ = why;
    set_.store(true, std::memory_order_release);
  }
  [[nodiscard]] bool is_set() const noexcept { return set_.load(std::memory_order_acquire); }
  [[nodiscard]] std::string why() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }

  /// Somebody watches the processes of the ranks, and sets this when one of them is gone.
  void watch() noexcept { watched_.store(true, std::memory_order_relaxed); }
  /// Is it set, if not now then in a moment? A link to a dead rank shows at once, the name of the rank a little later.
  [[nodiscard]] bool is_set_soon() const {
    using namespace std::chrono_literals;
    const auto end = std::chrono::steady_clock::now() + 1s;
    while (!is_set() && watched_.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(1ms);
    }
    return is_set();
  }

 private:
  std::atomic<bool> set_{false};
  std::atomic<bool> watched_{false};
  mutable std::mutex mutex_{};
  std::string why_{};
};

}  // namespace mics::nccl
