#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>

#include <mics/topology/node_map.hpp>
#include <mics/topology/rank_range.hpp>

namespace mics {

/// How a partition group lies on nodes: `nodes` node groups of `node_size` ranks; flat is {1, p}.
struct hierarchy {
  int nodes = 1;
  int node_size = 1;

  /// Whether stages over rail and node groups serve this partition group.
  [[nodiscard]] constexpr bool hierarchical() const noexcept { return nodes > 1; }
  friend constexpr bool operator==(const hierarchy&, const hierarchy&) noexcept = default;
};

namespace detail {

/// Ranks of `group` on `node`, which must hold at least one; `group` has stride 1.
constexpr int share_of(const node_map& map, const rank_range& group, int node) noexcept {
  const rank_range on_node = map.ranks_of(node);
  const rank_t first = std::max(group[0], on_node[0]);
  const rank_t last = std::min(group[group.size - 1], on_node[on_node.size - 1]);
  return last - first + 1;
}

/// First node whose share of `group` differs from that of the group's first node; -1: none, the group lies evenly.
/// Between the group's ends nodes are whole, so only a new run or an end can differ: O(log runs), no walk over nodes.
constexpr int first_uneven_node(const node_map& map, const rank_range& group) noexcept {
  const int first = map.node_of(group[0]);
  const int last = map.node_of(group[group.size - 1]);
  if (first == last) return -1;
  const int share = share_of(map, group, first);
  for (const int node : {first + 1, std::min(map.run_end(first + 1), last)}) {
    if (share_of(map, group, node) != share) return node;
  }
  return -1;
}

constexpr hierarchy hierarchy_on(const node_map& map, const rank_range& group) noexcept {
  const int first = map.node_of(group[0]);
  const int last = map.node_of(group[group.size - 1]);
  if (first == last || first_uneven_node(map, group) >= 0) return {1, group.size};
  return {last - first + 1, group.size / (last - first + 1)};
}

/// Why `group` is flat, as a sentence; empty when it lies in one node or evenly on several.
inline std::string flat_reason_on(const node_map& map, const rank_range& group) {
  const int uneven = first_uneven_node(map, group);
  if (uneven < 0) return {};
  const auto text = [](int number) { return std::to_string(number); };
  const int first = map.node_of(group[0]);
  const int last = map.node_of(group[group.size - 1]);
  const int node_size = map.run_of(first).node_size;
  const auto size_of_node = "node size " + text(node_size);
  const auto size_of_group = "partition size " + text(group.size);
  std::string cause = "nodes differ in size";
  if (map.one_run() && group.size > node_size) cause = size_of_node + " does not divide " + size_of_group;
  if (map.one_run() && group.size < node_size) cause = size_of_group + " does not divide " + size_of_node;
  return cause + ", so ranks " + group.describe() + " lie unevenly on nodes " + text(first) +
         (last - first == 1 ? " and " : " to ") + text(last) + ": " + text(share_of(map, group, first)) + " on node " +
         text(first) + ", " + text(share_of(map, group, uneven)) + " on node " + text(uneven);
}

}  // namespace detail
}  // namespace mics
