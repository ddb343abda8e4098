#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <optional>
#include <span>

#include <mics/transport/libfabric.hpp>

#include "../memory.hpp"
#include "../options.hpp"
#include "../thread_station.hpp"
#include "peer.hpp"

namespace perf {

/// Bytes of the transport's own memory, or of any other.
class fabric_memory {
 public:
  fabric_memory(const mics::libfabric::communicator_ref& world, std::size_t bytes, memory_kind kind) {
    if (kind == memory_kind::registered) {
      own_ = mics::libfabric::shared_memory(world, bytes);
      std::memset(own_.data(), 0x5a, bytes);
    } else {
      plain_.emplace(bytes);
    }
  }

  [[nodiscard]] std::span<std::byte> span(std::size_t bytes) {
    return plain_ ? plain_->span(bytes) : own_.as<std::byte>().first(bytes);
  }

 private:
  std::optional<memory> plain_{};
  mics::libfabric::shared_memory own_{};
};

/// A rank that is a process: like one that is a thread, but for its memory.
class fabric_station : public thread_station<mics::libfabric::communicator> {
 public:
  using memory_type = fabric_memory;

  fabric_station(mics::libfabric::communicator& world, const options& chosen)
      : thread_station(world, chosen), world_(world), kind_(chosen.memory) {}

  [[nodiscard]] std::function<void()> library_below(const exchange& call) { return peer_call(call); }
  [[nodiscard]] fabric_memory make_memory(std::size_t bytes) { return fabric_memory(world_, bytes, kind_); }

 private:
  mics::libfabric::communicator_ref world_;
  memory_kind kind_;
};

}  // namespace perf
