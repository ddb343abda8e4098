#pragma once

#include <cstddef>
#include <cstdint>
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
  ~registered_buffer() { release(); }
  registered_buffer(registered_buffer&&) noexcept = default;
  registered_buffer& operator=(registered_buffer&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(known_, other.known_);
    std::swap(number_, other.number_);
    return *this;
  }

 private:
  registered_buffer(std::shared_ptr<host> at, std::span<const std::byte> memory, memory_use use) {
    if (!at->rail || !at->rail->registers().landings() || memory.empty()) return;
    known_ = std::make_unique<registration>(at->rail->enroll(memory, use));
    number_ = at->memory.add({memory.data(), memory.size(), {}, known_.get(), use});
    host_ = std::move(at);
  }

  void release() noexcept {
    if (!known_) return;
    host_->memory.remove(number_);
    host_->rail->forget(std::move(*known_));
  }

  std::shared_ptr<host> host_{};
  std::unique_ptr<registration> known_{};
  std::uint64_t number_ = 0;
};

}  // namespace mics::libfabric
