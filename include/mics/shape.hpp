#pragma once

#include <string>

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

}  // namespace mics
