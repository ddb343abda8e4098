#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <mics/transport/libfabric/communicator.hpp>

namespace mics::libfabric {

/// Registers a buffer of the caller's with the network for as long as this object lives, as ncclCommRegister does:
/// other memory is registered in each launch that needs it (see launch_memory). The same buffer need not be registered
/// twice; a collective may use any part of it.
/// - Local to the rank, not collective. Of no effect where this rank has no network, or its provider wants nothing
///   registered beforehand.
/// - The memory stays where it is, and this object alive, until all operations that use it have ended; both may outlive
///   the communicator, but while this object does, peers that leave wait for this rank's goodbye, two seconds at most.
///   No temporary memory, no communication.
/// - A buffer of const elements can only be sent from.
/// - Inside a node it is copied once more, as any memory but shared_memory, which needs none of this.
/// - Throws transport_error when the provider refuses: most often the limit of locked memory (ulimit -l).
class registered_buffer {
 public:
  registered_buffer() = default;
  /// For collectives of `world` and all groups split off from it.
  template <class T>
  requires std::is_trivially_copyable_v<T> registered_buffer(const communicator_ref& world, std::span<T> buffer)
      : registered_buffer(world.alive().ranks().at, std::as_bytes(buffer),
                          std::is_const_v<T> ? memory_use::sent : memory_use::written) {}

 private:
  registered_buffer(std::shared_ptr<host> at, std::span<const std::byte> memory, memory_use use) {
    if (!at->rail || !at->rail->registers().landings() || memory.empty()) return;
    listed_ = listed_memory(std::move(at), {.begin = memory.data(), .bytes = memory.size(), .use = use});
  }

  listed_memory listed_{};
};

}  // namespace mics::libfabric
