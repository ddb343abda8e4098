#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <mics/transport/libfabric/communicator.hpp>

namespace mics::libfabric {

/// Memory that this transport moves best: the ranks of this node read it where it lies, and the network reaches it
/// without further registration: it is registered here, once, while other memory is registered anew in each launch that
/// sends it to another node, or receives it from there, in large messages (where the provider wants that, and no
/// registered_buffer holds it: see launch_memory). Collectives take any memory; other memory is copied once more inside
/// a node.
/// - Local to the rank, not collective; ranks may use it or not, as they like. It may outlive the communicator;
///   while it does, peers that leave wait for this rank's goodbye, two seconds at most.
/// - Begins on a page. Pages are taken when they are touched, and are zero. Nothing is left of it however the process
///   ends.
class shared_memory {
 public:
  shared_memory() = default;
  /// For collectives of `world` and all groups split off from it. Throws transport_error when there is no more.
  shared_memory(const communicator_ref& world, std::size_t bytes)
      : block_(world.alive().ranks().at, std::max<std::size_t>(bytes, 1)), bytes_(bytes) {}

  [[nodiscard]] std::byte* data() const noexcept { return block_.data(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_; }
  /// All of it, as elements.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::span<T> as() const noexcept { return {reinterpret_cast<T*>(data()), bytes_ / sizeof(T)}; }

 private:
  shared_block block_{};
  std::size_t bytes_ = 0;
};

/// Such memory for `count` elements.
template <class T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] shared_memory allocate(const communicator_ref& world, std::size_t count) {
  return shared_memory(world, count * sizeof(T));
}

}  // namespace mics::libfabric
