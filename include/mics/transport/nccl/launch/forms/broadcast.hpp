#pragma once

#include <mics/transport/nccl/launch/forms/bound_call.hpp>

namespace mics::nccl::forms {

/// NCCL's own broadcast.
inline void flat_broadcast(const bound_call& c, const wire& whole) {
  whole.broadcast(c.output, c.output, c.call().blocks.total() * c.width(), c.call().root);
}

/// The rail stage: the root's rail carries the buffer into every node once.
inline void rail_broadcast(const bound_call& c, const wire& rail) {
  if (c.shape->local_rank() != c.call().root % c.shape->node_size) return;
  rail.broadcast(c.output, c.output, c.total() * c.width(), c.shape->node_of(c.call().root));
}

/// The node stage: the rank on the root's rail hands it to its node.
inline void node_broadcast(const bound_call& c, const wire& node) {
  node.broadcast(c.output, c.output, c.total() * c.width(), c.call().root % c.shape->node_size);
}

}  // namespace mics::nccl::forms
