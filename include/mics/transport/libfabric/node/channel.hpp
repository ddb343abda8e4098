#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <mics/transport/libfabric/node/region.hpp>

namespace mics::libfabric {

/// The bounded queue of messages from one rank to a neighbour in one lane, in the writer's shared memory: one writer,
/// one reader, no lock. A larger message that lies in shared memory is lent: the reader uses it in place. Others travel
/// inside the slot, or, larger, cut into pieces that are copied into chunks beside the slots; chunks are recycled with
/// them.
class node_channel {
 public:
  static constexpr std::size_t depth = 8;
  static constexpr std::size_t inline_bytes = 184;
  static constexpr std::size_t chunk_bytes = std::size_t{32} << 10;
  static constexpr std::size_t lent_from = 4096;  ///< below, a copy costs less than waiting for its reader

  enum class form : std::uint32_t { inside, copied, lent };

  struct content {
    std::uint64_t bytes = 0;  ///< of this piece
    std::uint64_t total = 0;  ///< of the whole message
    form how = form::inside;
    region_name region{};      ///< lent: where it lies
    std::uint64_t offset = 0;  ///< lent: in the region
  };

  /// Writer: is there room for slot number `number` (from 0)?
  [[nodiscard]] bool has_room(std::uint64_t number) const noexcept {
    return number - read_.load(std::memory_order_acquire) < depth;
  }

  /// Writer, where there is room: one piece of a message of `total` bytes, copied. At most chunk_bytes.
  void put_copy(std::uint64_t number, std::span<const std::byte> piece, std::size_t total) noexcept {
    slot& s = slots_[number % depth];
    const bool small = piece.size() <= inline_bytes;
    s.what.bytes = piece.size();
    s.what.total = total;
    s.what.how = small ? form::inside : form::copied;
    std::memcpy(small ? s.small.data() : chunk(number), piece.data(), piece.size());
    s.stamp.store(number + 1, std::memory_order_release);
  }

  /// Writer, where there is room: a message that the reader is to use where it lies.
  void put_loan(std::uint64_t number, const region_name& region, std::size_t offset, std::size_t bytes) noexcept {
    slot& s = slots_[number % depth];
    s.what = {bytes, bytes, form::lent, region, offset};
    s.stamp.store(number + 1, std::memory_order_release);
  }

  /// Reader: slot number `number`, or null while it has not come.
  [[nodiscard]] const content* peek(std::uint64_t number) const noexcept {
    const slot& s = slots_[number % depth];
    return s.stamp.load(std::memory_order_acquire) == number + 1 ? &s.what : nullptr;
  }

  /// Reader: the bytes of a slot that was copied.
  [[nodiscard]] const std::byte* copy_of(std::uint64_t number) const noexcept {
    const slot& s = slots_[number % depth];
    return s.what.how == form::inside ? s.small.data() : chunks_.data() + number % depth * chunk_bytes;
  }

  /// Reader: all slots before `number` have been used.
  void read_up_to(std::uint64_t number) noexcept { read_.store(number, std::memory_order_release); }

  /// Writer: have all slots before `number` been used?
  [[nodiscard]] bool was_read_up_to(std::uint64_t number) const noexcept {
    return read_.load(std::memory_order_acquire) >= number;
  }

 private:
  struct alignas(detail::cache_line) slot {
    std::atomic<std::uint64_t> stamp{0};
    content what{};
    std::array<std::byte, inline_bytes> small;
  };
  static_assert(sizeof(slot) == 256);

  std::byte* chunk(std::uint64_t number) noexcept { return chunks_.data() + number % depth * chunk_bytes; }

  std::array<slot, depth> slots_{};
  alignas(detail::cache_line) std::atomic<std::uint64_t> read_{0};
  alignas(4096) std::array<std::byte, depth * chunk_bytes> chunks_;  // not initialized: pages that nobody needs
};

}  // namespace mics::libfabric
