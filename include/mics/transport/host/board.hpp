#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mics::host {

/// Where one rank shows all its neighbours the same small thing at once, in memory that they share: one writer, any
/// number of readers, no lock. Two sheets take turns, which is enough where everybody shows something each time:
/// whoever has seen what all show at time n knows that they have read what they were shown at time n - 1.
class board {
 public:
  /// A stamp and what little it is about share a cache line.
  struct alignas(4096) sheet {
    static constexpr std::size_t most = 8192 - 4 * sizeof(std::uint64_t);

    std::atomic<std::uint64_t> stamp{0};  ///< the time at which it is shown
    std::uint64_t launch = 0;             ///< for which
    std::uint64_t bytes = 0;              ///< that the writer has put there
    std::atomic<std::uint64_t> core{0};   ///< on which it did so
    std::array<std::byte, most> content;  // not initialized: pages that nobody needs
  };

  /// Writer: the sheet of time `time` (from 1), to be filled before show().
  [[nodiscard]] sheet& blank(std::uint64_t time) noexcept { return sheets_[time % sheets_.size()]; }
  void show(std::uint64_t time) noexcept { blank(time).stamp.store(time, std::memory_order_release); }

  /// Reader: the sheet, or null while it is not shown.
  [[nodiscard]] const sheet* shown(std::uint64_t time) const noexcept {
    const sheet& s = sheets_[time % sheets_.size()];
    return s.stamp.load(std::memory_order_acquire) == time ? &s : nullptr;
  }
  /// Reader, who waits for the sheet of `time`: where its writer was when it showed the one before.
  [[nodiscard]] std::uint64_t core_before(std::uint64_t time) const noexcept {
    return sheets_[(time - 1) % sheets_.size()].core.load(std::memory_order_relaxed);
  }

 private:
  std::array<sheet, 2> sheets_;
};

}  // namespace mics::host
