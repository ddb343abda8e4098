#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <mics/bootstrap/detail/link.hpp>

namespace mics::bootstrap::detail {

/// The other end of a connection, once it has proved who it is.
struct seat {
  int rank;
  link connection;
  bool said_goodbye = false;
};

/// What a rank has after the rendezvous: rank 0 a connection to every other rank, they one to rank 0.
struct meeting {
  std::vector<int> node_of{};
  std::vector<seat> seats{};
};

/// Why a rank is turned away, as it is told to it.
enum class refusal : std::uint8_t { usage = 1, timeout = 2 };

}  // namespace mics::bootstrap::detail
