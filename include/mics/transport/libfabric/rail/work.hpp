#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include <rdma/fabric.h>

#include <mics/transport/libfabric/rail/landing_pool.hpp>
#include <mics/transport/libfabric/rail/wire.hpp>

namespace mics::libfabric {

struct rail_group;

/// What libfabric is given with every piece of work, and gives back when it has ended. Its context comes first: some
/// providers write there.
struct work {
  enum class type : std::uint8_t { receive, send, landing };

  fi_context2 native{};
  type what = type::receive;
};

/// A packet that has come, or for which a receive is posted.
struct incoming : work {
  landing_pool::piece* memory = nullptr;
  std::size_t bytes = 0;

  [[nodiscard]] wire_header header() const noexcept {
    wire_header h;
    std::memcpy(&h, memory->memory.data(), sizeof h);
    return h;
  }
  [[nodiscard]] const std::byte* payload() const noexcept { return memory->memory.data() + sizeof(wire_header); }
};

/// A packet or a large message on its way out.
struct outgoing : work {
  landing_pool::piece* memory = nullptr;  ///< of a packet
  rail_group* of = nullptr;
  bool may_fail = false;  ///< nobody depends on it
};

/// The place of one message to come.
struct landing : work {
  incoming* small = nullptr;  ///< it has come, as a packet
  bool prepared = false;      ///< it is to come into `memory`
  bool posted = false;        ///< two-sided: its receive is
  std::span<std::byte> memory{};
  std::size_t missing = 0;               ///< pieces that are still to come
  landing_pool::piece* piece = nullptr;  ///< `memory`, when it belongs to the transport
  const registration* known = nullptr;   ///< of `memory`

  [[nodiscard]] bool outstanding() const noexcept { return prepared && missing > 0; }
};

}  // namespace mics::libfabric
