#pragma once

#include <mics/transport/nccl/launch/forms/bound_call.hpp>

namespace mics::nccl::forms {

/// NCCL's own all-gather; blocks of different lengths go as one broadcast each.
inline void flat_all_gather(const bound_call& c, const wire& whole) {
  if (c.even()) return whole.all_gather(c.input, c.output, c.bytes(0));
  for (int rank = 0; rank < c.shape->size; ++rank) {
    std::byte* const slot = c.output + c.offset(rank);
    whole.broadcast(rank == c.shape->rank ? c.input : slot, slot, c.bytes(rank), rank);
  }
}

/// The rail stage: one message to and from every other node, straight into the final slots; or, into rows where it has
/// some, one collective.
inline void rail_all_gather(const bound_call& c, const wire& rail) {
  if (c.rows != nullptr) return rail.all_gather(c.input, c.rows, c.bytes(0));
  for_each_other_node(*c.shape, [&](int node) {
    rail.send(c.input, c.bytes(c.shape->rank), node);
    rail.receive(c.output + c.offset(c.on_rail(node)), c.bytes(c.on_rail(node)), node);
  });
}

/// The node stage: the ranks of a node share every row, this node's own one out of the shard itself.
inline void node_all_gather(const bound_call& c, const wire& node) {
  const int k = c.shape->node_size;
  for (int row = 0; row < c.shape->nodes; ++row) {
    const int mine = c.on_rail(row);
    const std::byte* const brought = c.rows != nullptr ? c.row(row) : c.output + c.offset(mine);
    const std::byte* const own = row == c.shape->node() ? c.input : brought;
    if (c.dense()) {
      node.all_gather(own, c.output + c.offset(row * k), c.bytes(0));
      continue;
    }
    for (int block = row * k; block < (row + 1) * k; ++block) {
      std::byte* const slot = c.output + c.offset(block);
      node.broadcast(block == mine ? own : slot, slot, c.bytes(block), block % k);
    }
  }
}

}  // namespace mics::nccl::forms
