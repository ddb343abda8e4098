#pragma once

#include <atomic>
#include <mutex>
#include <string>

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

 private:
  std::atomic<bool> set_{false};
  mutable std::mutex mutex_{};
  std::string why_{};
};

}  // namespace mics::nccl
