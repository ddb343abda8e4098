#pragma once

#include <cstdint>
#include <string>

namespace mics {

/// A topology in a few numbers, for ranks to compare over the network: equal for equal topologies, different for others
/// as surely as 64 bits can tell. Plain data; one that was made without a topology says nothing.
struct topology_digest {
  std::int32_t world_size = 0;
  std::int32_t nodes = 0;
  std::int32_t node_size = 0;  ///< 0: not all nodes have the same number of ranks
  std::int32_t partition_size = 0;
  std::uint64_t fingerprint = 0;  ///< of the ranks of every node

  /// "8 ranks on 2 nodes of 4, partition size 4".
  [[nodiscard]] std::string describe() const {
    if (world_size == 0) return "nothing";
    return std::to_string(world_size) + (world_size == 1 ? " rank on " : " ranks on ") + std::to_string(nodes) +
           (nodes == 1 ? " node" : " nodes") +
           (node_size > 0 ? " of " + std::to_string(node_size) : std::string(" of different sizes")) +
           ", partition size " + std::to_string(partition_size);
  }

  friend constexpr bool operator==(const topology_digest&, const topology_digest&) noexcept = default;
};

}  // namespace mics
