#pragma once

#include <vector>

#include <mics/algorithms/tree.hpp>
#include <mics/hierarchical/teams.hpp>

namespace mics::hierarchical {

/// Broadcast that enters each node once: a tree over the root's rail, then from its ranks to their nodes.
inline void broadcast(schedule::builder& b, const teams& t, int root) {
  const int root_node = t.shape.node_of(root);
  const int root_local = root % t.shape.node_size;
  const algorithms::team node = t.node(t.shape.node(), algorithms::tree_rounds(t.shape.nodes));
  if (t.shape.local_rank() == root_local) {
    algorithms::tree_broadcast(b, t.rail(), root_node);
    b.send(schedule::output(0), node.other_ranks(), node.on, node.first_round);
  } else {
    b.receive(schedule::output(0), node.rank(root_local), node.on, node.first_round);
  }
}

}  // namespace mics::hierarchical
