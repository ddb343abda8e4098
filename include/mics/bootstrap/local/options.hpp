#pragma once

#include <chrono>
#include <string>

#include <mics/error.hpp>

namespace mics::bootstrap::local {

/// How spawn() plays a cluster on one machine.
struct options {
  int nodes = 0;                              ///< how many nodes the ranks play; 0: as many as node_size says, else one
  int node_size = 0;                          ///< ranks of each node; 0: all, divided among the nodes
  std::chrono::milliseconds timeout{60'000};  ///< of the rendezvous, and of each operation of the sessions
  std::chrono::milliseconds limit{0};         ///< of the whole run: who still runs then is killed; 0: none
  std::chrono::milliseconds grace{1'000};     ///< how long the others may go on after a rank has failed
};

/// How many ranks each node has. Throws topology_error when the numbers do not fit `ranks`.
inline int node_size_of(int ranks, const options& chosen) {
  const int size = chosen.node_size > 0 ? chosen.node_size : ranks / (chosen.nodes > 0 ? chosen.nodes : 1);
  const int nodes = chosen.nodes > 0 || size < 1 ? chosen.nodes : ranks / size;
  if (ranks < 1 || chosen.nodes < 0 || chosen.node_size < 0 || size < 1 ||
      (nodes > 0 ? nodes : 1) * static_cast<long long>(size) != ranks) {
    throw topology_error(std::to_string(ranks) + " ranks cannot be spawned as " +
                         (chosen.nodes == 0 ? "nodes" : std::to_string(chosen.nodes) + " nodes") +
                         (chosen.node_size == 0 ? "" : " of " + std::to_string(chosen.node_size) + " ranks") +
                         "; allowed: 1 rank or more, nodes * node_size ranks in all");
  }
  return size;
}

}  // namespace mics::bootstrap::local
