#pragma once

#include <cstddef>
#include <cstdint>

namespace mics::libfabric {

/// What travels between endpoints in messages; all ranks are of one byte order.
enum class kind : std::uint32_t {
  data,     ///< a small message, behind the header
  slot,     ///< where message `number` of the other direction is to be written
  credit,   ///< messages before `consumed` have been used
  failure,  ///< the group has failed from operation `number` on; the words are behind the header
  goodbye,  ///< the sender will send nothing more
};

struct wire_header {
  kind what = kind::data;
  std::uint32_t lane = 0;
  std::uint64_t group = 0;
  std::uint32_t from = 0;    ///< the sender's rank in the group; in the world, for goodbye
  std::uint32_t token = 0;   ///< slot: comes back with the data
  std::uint64_t number = 0;  ///< of the message in its link
  std::uint64_t consumed = 0;
  std::uint64_t bytes = 0;
  std::uint64_t address = 0;
  std::uint64_t key = 0;
};

/// Messages of one link that may be under way, small ones and announced slots alike.
inline constexpr std::uint64_t rail_window = 16;

/// Messages up to this size travel at once and are copied at both ends, larger ones into slots that their receiver has
/// announced: a sender must not have to wait for a receiver that begins late, where the network needs less time for the
/// message than others for their turn on a core (0.5 ms at 1 Gbit/s).
inline constexpr std::size_t small_bytes = std::size_t{64} << 10;
inline constexpr std::size_t packet_bytes = small_bytes + sizeof(wire_header);

}  // namespace mics::libfabric
