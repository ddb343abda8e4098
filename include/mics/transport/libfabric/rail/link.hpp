#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include <rdma/fabric.h>

#include <mics/schedule/program.hpp>
#include <mics/transport/libfabric/failure.hpp>
#include <mics/transport/libfabric/rail/launch_memory.hpp>
#include <mics/transport/libfabric/rail/wire.hpp>
#include <mics/transport/libfabric/rail/work.hpp>

namespace mics::libfabric {

/// The two queues between a rank and a peer on another node, in one lane of one group. Messages are numbered, so they
/// may arrive in any order. A sender never sends what its receiver has no room for: small messages up to a window
/// beyond those that were used, large ones into slots that were announced. So nothing waits behind an unexpected
/// message, whatever the groups do.
struct rail_link {
  rail_link(rail_group& group, int to, std::uint32_t in_lane, std::uint32_t at)
      : of(&group), peer(to), lane(in_lane), index(at) {
    for (landing& l : landings) l.what = work::type::landing;
  }

  rail_group* of;
  int peer;  ///< rank in the group
  std::uint32_t lane;
  std::uint32_t index;  ///< in the endpoint's table, for tokens

  struct slot {
    std::uint64_t number = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t bytes = 0;
    std::uint64_t address = 0;
    std::uint64_t key = 0;
    std::uint32_t token = 0;
  };

  // Sending.
  std::uint64_t sent = 0;
  std::uint64_t consumed = 0;  ///< by the peer
  std::size_t written = 0;     ///< bytes of a large message that has been given to the provider in part
  std::array<slot, rail_window> slots{};

  // Receiving.
  std::uint64_t expected = 0;
  std::uint64_t taken = 0;
  std::uint64_t told = 0;  ///< what the peer knows of `taken`
  bool owes = false;       ///< a credit is to be sent
  std::array<landing, rail_window> landings{};

  [[nodiscard]] landing& place_of(std::uint64_t number) noexcept { return landings[number % rail_window]; }
  [[nodiscard]] slot& slot_of(std::uint64_t number) noexcept { return slots[number % rail_window]; }
  [[nodiscard]] std::uint32_t token_of(std::uint64_t number) const noexcept {
    return index * static_cast<std::uint32_t>(rail_window) + static_cast<std::uint32_t>(number % rail_window);
  }
};

/// One group's links, made at their first use.
struct rail_group {
  rail_group(std::uint64_t group, int rank, std::vector<int> ranks, failure_state& failed)
      : id(group), me(rank), members(std::move(ranks)), failure(&failed), links(members.size() * schedule::lanes) {}

  std::uint64_t id;
  int me;
  std::vector<int> members;  ///< their ranks in the world
  failure_state* failure;
  std::vector<std::unique_ptr<rail_link>> links;
  launch_memory memory{};     ///< the caller's, while the launch uses it
  std::size_t in_flight = 0;  ///< packets and writes that the provider still has
  std::size_t writes = 0;     ///< those of them that the provider takes out of the caller's memory
};

}  // namespace mics::libfabric
