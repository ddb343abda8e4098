#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <mics/topology/digest.hpp>
#include <mics/topology/hierarchy.hpp>
#include <mics/topology/node_map.hpp>
#include <mics/topology/rank_range.hpp>
#include <mics/topology/refuse.hpp>

namespace mics {

/// Which rank belongs to which node and to which groups: arithmetic on (N, k or ranks per node, p), nothing else.
/// - Ranks are numbered node by node; partition groups are p consecutive ranks; replication groups have stride p.
/// - Cost: O(1) a query and no heap memory with uniform nodes, for any N; O(log nodes) with a list. Constexpr
/// throughout.
/// - Equal topologies compare equal, however they were given: {4, 4} is uniform with k = 4.
/// - Throws topology_error with the numbers: wrong sizes when made, ranks and nodes that do not exist when asked.
/// - Source: MiCS, VLDB 2023, scale-aware partitioning.
class topology {
 public:
  /// N ranks on nodes of k ranks; where k does not divide N the last node is shorter, and k > N is one node.
  /// Sizes are 64 bits wide so that a world too large is named and not wrapped. p must divide N.
  [[nodiscard]] static constexpr topology uniform(std::int64_t world_size, std::int64_t node_size,
                                                  std::int64_t partition_size) {
    if (world_size < 1 || world_size > detail::most_ranks) detail::refuse_size("world size", world_size);
    if (node_size < 1 || node_size > detail::most_ranks) detail::refuse_size("node size", node_size);
    return {detail::node_map(static_cast<int>(world_size), static_cast<int>(node_size)), partition_size};
  }

  /// One node an entry, in rank order; p must divide the sum. Keeps one record a run of equal nodes.
  [[nodiscard]] static constexpr topology uneven(const std::vector<int>& ranks_per_node, std::int64_t partition_size) {
    return {detail::node_map(ranks_per_node), partition_size};
  }

  /// N.
  [[nodiscard]] constexpr int world_size() const noexcept { return map_.ranks(); }
  /// k, or 0 when not all nodes have the same number of ranks.
  [[nodiscard]] constexpr int node_size() const noexcept { return map_.node_size(); }
  /// p.
  [[nodiscard]] constexpr int partition_size() const noexcept { return partition_size_; }
  /// r = N/p: the ranks of a replication group, and so the number of partition groups.
  [[nodiscard]] constexpr int replication_size() const noexcept { return world_size() / partition_size_; }
  [[nodiscard]] constexpr int nodes() const noexcept { return map_.nodes(); }
  /// Whether all nodes have the same number of ranks.
  [[nodiscard]] constexpr bool uniform_nodes() const noexcept { return map_.node_size() > 0; }

  [[nodiscard]] constexpr int node_of(rank_t rank) const { return map_.node_of(checked(rank)); }
  [[nodiscard]] constexpr int local_rank_of(rank_t rank) const { return rank - ranks_of_node(node_of(rank)).first; }
  [[nodiscard]] constexpr rank_range ranks_of_node(int node) const {
    if (node < 0 || node >= nodes()) detail::refuse_node(node, nodes());
    return map_.ranks_of(node);
  }

  /// The partition group of `rank`: the p consecutive ranks that hold one replica of the model state.
  [[nodiscard]] constexpr rank_range partition_of(rank_t rank) const {
    return {checked(rank) - rank % partition_size_, partition_size_, 1};
  }
  /// Number of that partition group among all, 0 to r - 1; also the index of `rank` in its replication group.
  [[nodiscard]] constexpr int partition_index_of(rank_t rank) const { return checked(rank) / partition_size_; }
  /// Which shard `rank` holds, 0 to p - 1: its index in the partition group.
  [[nodiscard]] constexpr int shard_of(rank_t rank) const { return checked(rank) % partition_size_; }
  /// The replication group of `rank`: all ranks that hold the same shard.
  [[nodiscard]] constexpr rank_range replication_of(rank_t rank) const {
    return {shard_of(rank), replication_size(), partition_size_};
  }

  /// The ranks of `rank`'s node inside its partition group; the whole partition group when it is flat.
  [[nodiscard]] constexpr rank_range node_group_of(rank_t rank) const {
    const int size = hierarchy_of(rank).node_size;
    return {rank - shard_of(rank) % size, size, 1};
  }
  /// One rank a node: those at `rank`'s place in their node groups; `rank` alone when the partition group is flat.
  /// Block (node j, place i) of the partition group belongs at slot j*k + i of a gathered result.
  [[nodiscard]] constexpr rank_range rail_group_of(rank_t rank) const {
    const hierarchy shape = hierarchy_of(rank);
    return {partition_of(rank).first + shard_of(rank) % shape.node_size, shape.nodes, shape.node_size};
  }

  /// Node groups of `rank`'s partition group; {1, p} where it lies in one node or unevenly on several.
  /// Every rank of a partition group gets the same answer. Two groups may differ, e.g. p = 4 on nodes of 6.
  [[nodiscard]] constexpr hierarchy hierarchy_of(rank_t rank) const {
    return detail::hierarchy_on(map_, partition_of(rank));
  }
  /// Why that partition group must be served flat over several nodes, as a sentence with the numbers; else empty.
  [[nodiscard]] std::string flat_reason(rank_t rank) const { return detail::flat_reason_on(map_, partition_of(rank)); }

  /// For ranks to compare theirs.
  [[nodiscard]] constexpr topology_digest digest() const noexcept {
    return {world_size(), nodes(), node_size(), partition_size_, map_.fingerprint()};
  }

  /// Three or four lines for people: nodes, partition groups, replication groups, and why some are flat.
  [[nodiscard]] std::string describe() const;
  /// One line for people: where `rank` is and the ranks of its groups.
  [[nodiscard]] std::string describe(rank_t rank) const;

  friend constexpr bool operator==(const topology&, const topology&) noexcept = default;

 private:
  constexpr topology(detail::node_map map, std::int64_t partition_size)
      : map_(std::move(map)), partition_size_(static_cast<int>(partition_size)) {
    const std::int64_t world = map_.ranks();
    if (partition_size < 1 || world % partition_size != 0) detail::refuse_partition(world, partition_size);
  }

  [[nodiscard]] constexpr rank_t checked(rank_t rank) const {
    if (rank < 0 || rank >= world_size()) detail::refuse_rank(rank, world_size());
    return rank;
  }

  detail::node_map map_;
  int partition_size_;
};

inline std::string topology::describe() const {
  const auto count = [](int number, const char* noun) {
    return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
  };
  std::string text = count(world_size(), "rank") + " on " + map_.describe();
  text += "\npartition groups: " + std::to_string(replication_size()) + " of " + count(partition_size_, "rank");
  text += "\nreplication groups: " + std::to_string(partition_size_) + " of " + count(replication_size(), "rank");
  // With nodes of one size the first border inside a partition group decides: no later group is flat if this one is
  // not.
  const int borders = map_.one_run() ? std::min(nodes(), 2) : nodes();
  for (int node = 1; node < borders; ++node) {
    const rank_t rank = map_.ranks_of(node).first;
    const std::string reason = flat_reason(rank);
    if (!reason.empty()) {
      return text + "\nflat: partition group " + std::to_string(partition_index_of(rank)) + ", because " + reason;
    }
  }
  return text;
}

inline std::string topology::describe(rank_t rank) const {
  return "rank " + std::to_string(rank) + ": node " + std::to_string(node_of(rank)) + ", local rank " +
         std::to_string(local_rank_of(rank)) + ", partition group " + partition_of(rank).describe() +
         ", replication group " + replication_of(rank).describe() + ", node group " + node_group_of(rank).describe() +
         ", rail group " + rail_group_of(rank).describe();
}

}  // namespace mics
