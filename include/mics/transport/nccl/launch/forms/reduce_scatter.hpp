#pragma once

#include <mics/transport/nccl/launch/forms/bound_call.hpp>

namespace mics::nccl::forms {

/// NCCL's own reduce-scatter; blocks of different lengths go as one reduction each.
inline void flat_reduce_scatter(const bound_call& c, const wire& whole) {
  if (c.even()) return whole.reduce_scatter(c.input, c.output, c.count(0), c.first);
  for (int rank = 0; rank < c.shape->size; ++rank) {
    whole.reduce(c.input + c.offset(rank), c.output, c.count(rank), c.first, rank);
  }
}

/// The node stage: the ranks of a node reduce row after row; each keeps what its rail goes on with.
inline void node_reduce_scatter(const bound_call& c, const wire& node) {
  const int k = c.shape->node_size;
  for (int row = 0; row < c.shape->nodes; ++row) {
    if (c.dense()) {
      node.reduce_scatter(c.input + c.offset(row * k), c.row(row), c.count(0), c.first);
      continue;
    }
    for (int block = row * k; block < (row + 1) * k; ++block) {
      node.reduce(c.input + c.offset(block), c.row(row), c.count(block), c.first, block % k);
    }
  }
}

/// The rail stage of what is not packed (see rail_pack.hpp): pieces of blocks, and blocks of different lengths.
inline void rail_reduce_scatter(const bound_call& c, const wire& rail) {
  if (c.even()) return rail.reduce_scatter(c.rows, c.output, c.count(0), c.later);
  for (int node = 0; node < c.shape->nodes; ++node) {
    rail.reduce(c.row(node), c.output, c.count(c.on_rail(node)), c.later, node);
  }
}

}  // namespace mics::nccl::forms
