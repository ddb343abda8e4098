#pragma once

#include <cstdint>

#include <mics/algorithms/team.hpp>
#include <mics/options.hpp>
#include <mics/shape.hpp>

namespace mics::hierarchical {

/// The node group and the rail group of a rank in a group of n nodes x k ranks, and the blocks that they share.
/// The block of (node j, local rank i) is block j * k + i: row j belongs to node j, column i to rail i.
struct teams {
  group_shape shape;

  /// This rank's rail group, with the column of blocks that it carries between the nodes.
  [[nodiscard]] algorithms::team rail(std::uint32_t first_round = 0) const {
    const rank_range column{shape.local_rank(), shape.nodes, shape.node_size};
    return {shape.node(), column, column, schedule::lane::rail, first_round};
  }

  /// This rank's node group, at work on one row of blocks.
  [[nodiscard]] algorithms::team node(int row, std::uint32_t first_round) const {
    const rank_range ranks{shape.node() * shape.node_size, shape.node_size, 1};
    const rank_range blocks{row * shape.node_size, shape.node_size, 1};
    return {shape.local_rank(), ranks, blocks, schedule::lane::node, first_round};
  }

  /// The rows in the order in which the rail moves them, d = 1 .. n; the own row is the last one.
  [[nodiscard]] int row(int d, algorithm on_rail) const noexcept {
    const int distance = on_rail == algorithm::ring ? -d : d;
    return (shape.node() + distance + shape.nodes) % shape.nodes;
  }
};

}  // namespace mics::hierarchical
