#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <string>

namespace mics::libfabric {

/// Why a world, or a group from one of its operations on, can no longer work. The reason of the earliest operation
/// counts. Set by any thread, seen by all.
class failure_state {
 public:
  /// From operation number `from` on; 0: everything.
  void set(const std::string& reason, std::uint64_t from = 0) {
    const std::lock_guard lock(mutex_);
    if (from >= from_.load(std::memory_order_relaxed)) return;
    reason_ = reason;
    from_.store(from, std::memory_order_release);
  }

  [[nodiscard]] bool holds(std::uint64_t operation = 0) const noexcept {
    return operation >= from_.load(std::memory_order_acquire);
  }

  [[nodiscard]] std::string reason() const {
    const std::lock_guard lock(mutex_);
    return reason_;
  }

 private:
  mutable std::mutex mutex_{};
  std::atomic<std::uint64_t> from_{std::numeric_limits<std::uint64_t>::max()};
  std::string reason_{};
};

}  // namespace mics::libfabric
