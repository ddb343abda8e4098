#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mics/transport/libfabric/node/region.hpp>

namespace mics::libfabric {

/// Where a rank sleeps until a neighbour has done something, in the shared memory of the sleeper. For nodes with more
/// ranks than cores: there every rank that looks again and again takes time from those that have work, and a scheduler
/// that is fair gives the one with the most work no more than the idle ones.
class alignas(detail::cache_line) doorbell {
 public:
  /// What to look at before one looks for news: whoever rings later is not missed.
  [[nodiscard]] std::uint32_t rings() const noexcept { return rings_.load(std::memory_order_acquire); }

  /// Neighbour, behind everything that it has written.
  void ring() noexcept {
    rings_.fetch_add(1);
    if (sleeping_.load()) ::syscall(SYS_futex, &rings_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }

  /// Owner: sleeps unless somebody has rung since `seen`, until somebody rings, or until a moment has passed: then
  /// false, for other things than neighbours need a look now and then.
  bool sleep(std::uint32_t seen) noexcept {
    constexpr std::timespec moment{0, 1'000'000};
    sleeping_.store(true);
    ::syscall(SYS_futex, &rings_, FUTEX_WAIT, seen, &moment, nullptr, 0);
    sleeping_.store(false, std::memory_order_relaxed);
    return rings() != seen;
  }

 private:
  static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));  // the kernel looks at it

  std::atomic<std::uint32_t> rings_{0};
  std::atomic<bool> sleeping_{false};
};

}  // namespace mics::libfabric
