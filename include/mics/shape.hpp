#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace mics {

/// How the ranks of one communicator lie on nodes: n nodes of k consecutive ranks each.
/// One node (n = 1) means that collectives are flat; `flat_reason` then says in a sentence why, unless
/// the group simply fits into one node.
struct group_shape {
  int rank = 0;
  int size = 1;
  int nodes = 1;      ///< n
  int node_size = 1;  ///< k; nodes * node_size == size
  std::string flat_reason{};

  [[nodiscard]] bool hierarchical() const noexcept { return nodes > 1; }
  [[nodiscard]] int node() const noexcept { return node_of(rank); }
  [[nodiscard]] int local_rank() const noexcept { return rank % node_size; }
  [[nodiscard]] int node_of(int r) const noexcept { return r / node_size; }
};

namespace detail {

/// Ranks of each run of consecutive members in one node; `node_of(i)` is the node of member i.
template <class NodeOf> std::vector<int> runs_of_nodes(int size, NodeOf node_of) {
  std::vector<int> runs;
  for (int member = 0; member < size; ++member) {
    if (member == 0 || node_of(member) != node_of(member - 1)) runs.push_back(0);
    ++runs.back();
  }
  return runs;
}

/// The shape of a group whose member i lies on node `node_of(i)`: n runs of k members on n nodes, or flat with the
/// reason.
template <class NodeOf> group_shape shape_on_nodes(int rank, int size, NodeOf node_of) {
  group_shape shape{rank, size, 1, size, {}};
  const std::vector<int> runs = runs_of_nodes(size, node_of);
  std::set<int> seen;
  for (std::size_t run = 0, member = 0; run < runs.size(); member += static_cast<std::size_t>(runs[run++])) {
    const int node = node_of(static_cast<int>(member));
    if (!seen.insert(node).second) {
      shape.flat_reason = "the group comes back to node " + std::to_string(node) + " at its rank " +
                          std::to_string(member) + ", so its nodes are no consecutive runs of ranks";
      return shape;
    }
    if (runs[run] != runs[0]) {
      shape.flat_reason = "the group's ranks lie unevenly on nodes: " + std::to_string(runs[0]) + " on the first, " +
                          std::to_string(runs[run]) + " on number " + std::to_string(run + 1);
      return shape;
    }
  }
  shape.nodes = static_cast<int>(runs.size());
  shape.node_size = runs[0];
  return shape;
}

}  // namespace detail

}  // namespace mics
