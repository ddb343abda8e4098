#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <string>

#include <mics/schedule/program.hpp>
#include <mics/transport/host/board.hpp>
#include <mics/transport/libfabric/node/channel.hpp>
#include <mics/transport/libfabric/node/doorbell.hpp>
#include <mics/transport/libfabric/node/region.hpp>

namespace mics::libfabric {

/// What one rank writes for its neighbours in one group: a board for all, a channel to each in each lane, and, if it
/// comes to that, why the group has failed; and the bell that they ring. It lies in a region of the rank; `places`
/// counts the group's ranks on the node.
class outbox {
 public:
  static constexpr std::size_t bytes_for(std::size_t places) noexcept {
    return channels_at + places * schedule::lanes * sizeof(node_channel);
  }

  /// In fresh memory.
  static outbox make(std::byte* memory, std::size_t places, bool sleeps) {
    new (memory) notice{.sleeps = sleeps};
    new (memory + board_at) mics::host::board;
    for (std::size_t i = 0; i < places * schedule::lanes; ++i) {
      new (memory + channels_at + i * sizeof(node_channel)) node_channel;
    }
    return outbox(memory);
  }
  /// Where its writer has made one.
  explicit outbox(std::byte* memory) noexcept : memory_(memory) {}

  [[nodiscard]] node_channel& channel_to(std::size_t place, schedule::lane l) const noexcept {
    const std::size_t index = place * schedule::lanes + index_of(l);
    return *std::launder(reinterpret_cast<node_channel*>(memory_ + channels_at + index * sizeof(node_channel)));
  }

  [[nodiscard]] mics::host::board& board() const noexcept {
    return *std::launder(reinterpret_cast<mics::host::board*>(memory_ + board_at));
  }

  /// The group has failed from operation number `from` on. Kept: the earliest, which is told once.
  void tell_failure(std::uint64_t from, const std::string& reason) const noexcept {
    notice& n = told();
    if (from >= n.failed_from.load()) return;
    if (n.failed_from.load() == never) {  // the words are written once: readers may be at them later on
      const std::size_t length = std::min(reason.size(), n.reason.size() - 1);
      std::copy_n(reason.data(), length, n.reason.data());
    }
    n.failed_from.store(from, std::memory_order_release);
  }
  [[nodiscard]] std::uint64_t failed_from() const noexcept {
    return told().failed_from.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::string reason() const { return told().reason.data(); }

  /// The bell of its owner, where the owner sleeps; else null.
  [[nodiscard]] doorbell* bell() const noexcept { return told().sleeps ? &told().bell : nullptr; }

  [[nodiscard]] std::uint32_t rings() const noexcept { return told().bell.rings(); }

  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

 private:
  struct alignas(4096) notice {
    std::atomic<std::uint64_t> failed_from{never};
    std::array<char, 1024> reason{};
    bool sleeps = false;
    doorbell bell{};
  };
  static constexpr std::size_t board_at = sizeof(notice);
  static constexpr std::size_t channels_at = board_at + sizeof(mics::host::board);

  [[nodiscard]] notice& told() const noexcept { return *std::launder(reinterpret_cast<notice*>(memory_)); }

  std::byte* memory_;
};

}  // namespace mics::libfabric
