#pragma once

#include <cstddef>

#include <mics/plan/compile.hpp>
#include <mics/schedule/layout.hpp>
#include <mics/shape.hpp>

namespace mics {

/// Bytes that arrive in one node, over its network and inside it.
struct node_volume {
  std::size_t slow = 0;
  std::size_t fast = 0;
};

/// Counts what a recipe brings into the own node, message by message, from the programs of the node's ranks: exact for
/// every algorithm. Costs a compilation a rank of the node, so it is for descriptions, not for the way of the data.
inline node_volume count_volume(const mics::recipe& recipe, const group_shape& shape,
                                const schedule::block_layout& layout, std::size_t element_bytes) {
  node_volume volume;
  for (int local = 0; local < shape.node_size; ++local) {
    group_shape peer = shape;
    peer.rank = shape.node() * shape.node_size + local;
    const schedule::program steps = compile(recipe, peer);
    for (const schedule::sequence& folds : steps.folds) {
      for (const schedule::step& s : folds.steps) {
        const std::size_t bytes = layout.piece(s.at.first, s.at.count, 0, 1).length * element_bytes;
        for (const int from : steps.peers_of(s)) {
          (shape.node_of(from) == shape.node() ? volume.fast : volume.slow) += bytes;
        }
      }
    }
  }
  return volume;
}

}  // namespace mics
