#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <mics/bootstrap/environment.hpp>

#include "options.hpp"

namespace perf {

/// The geometry of ranks that are forked here, as far as the command line left it open: one node, if nothing is said.
/// Throws std::invalid_argument for nodes that do not hold them.
inline void play_nodes(options& to, bool nodes_given, bool node_size_given) {
  if (!nodes_given) to.nodes = node_size_given ? std::max(to.spawn / to.node_size, 1) : 1;
  if (!node_size_given) to.node_size = std::max(to.spawn / to.nodes, 1);
  if (std::int64_t{to.nodes} * to.node_size == to.spawn) return;
  throw std::invalid_argument("--spawn " + std::to_string(to.spawn) + " does not fit " + std::to_string(to.nodes) +
                              " nodes of " + std::to_string(to.node_size) + " ranks");
}

/// The place of this process in a job of one process a rank: whether it speaks, and the geometry, as far as the command
/// line left it open. Throws std::invalid_argument for nodes that do not hold the ranks that were started.
inline void take_place(options& to, bool nodes_given, bool node_size_given) {
  const auto here = mics::bootstrap::read_environment();
  to.speaks = here.rank == 0;
  if (!node_size_given) {
    const int told = here.local_size > 0 ? here.local_size : here.world_size;
    to.node_size = nodes_given ? std::max(here.world_size / to.nodes, 1) : told;
  }
  if (!nodes_given) to.nodes = std::max(here.world_size / to.node_size, 1);
  if (std::int64_t{to.nodes} * to.node_size == here.world_size) return;
  throw std::invalid_argument(std::to_string(to.nodes) + " nodes of " + std::to_string(to.node_size) +
                              " ranks were asked for, but " + std::to_string(here.world_size) +
                              " ranks were started; allowed: nodes that hold them all evenly");
}

}  // namespace perf
