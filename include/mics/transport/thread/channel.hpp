#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace mics::thread {

/// The bounded queue of messages from one rank to another in one lane: one writer, one reader, no lock.
/// A message is the address of the sender's bytes, which the reader uses in place; a small one travels inside the slot,
/// so that its sender need not wait for the reader.
class channel {
 public:
  static constexpr std::size_t depth = 8;
  static constexpr std::size_t inline_bytes = 232;

  struct message {
    const std::byte* data = nullptr;
    std::size_t bytes = 0;
  };

  /// Writer: offers message number `number` (from 0); false while the queue is full.
  bool offer(std::uint64_t number, std::span<const std::byte> bytes) noexcept {
    if (number - read_.load(std::memory_order_acquire) >= depth) return false;
    slot& s = slots_[number % depth];
    s.content = {bytes.data(), bytes.size()};
    if (fits(bytes.size())) {
      std::memcpy(s.small.data(), bytes.data(), bytes.size());
      s.content.data = s.small.data();
    }
    s.stamp.store(number + 1, std::memory_order_release);
    return true;
  }

  /// Reader: message number `number`, or null while it has not come.
  [[nodiscard]] const message* peek(std::uint64_t number) const noexcept {
    const slot& s = slots_[number % depth];
    return s.stamp.load(std::memory_order_acquire) == number + 1 ? &s.content : nullptr;
  }

  /// Reader: all messages before `number` have been used.
  void read_up_to(std::uint64_t number) noexcept { read_.store(number, std::memory_order_release); }

  /// Writer: have all messages before `number` been used?
  [[nodiscard]] bool was_read_up_to(std::uint64_t number) const noexcept {
    return read_.load(std::memory_order_acquire) >= number;
  }

  /// Does a message of this size travel inside the slot?
  static constexpr bool fits(std::size_t bytes) noexcept { return bytes <= inline_bytes; }

 private:
  struct alignas(64) slot {
    std::atomic<std::uint64_t> stamp{0};
    message content{};
    std::array<std::byte, inline_bytes> small;
  };

  std::array<slot, depth> slots_{};
  alignas(64) std::atomic<std::uint64_t> read_{0};
};

}  // namespace mics::thread
