#pragma once

#include <cstdint>

#include <mics/algorithms/flat.hpp>
#include <mics/hierarchical/teams.hpp>
#include <mics/options.hpp>

namespace mics::hierarchical {

/// MiCS reduce-scatter, the mirror of the all-gather: the ranks of a node reduce row after row among themselves, and
/// as soon as a row is reduced the rail group reduces it between the nodes.
/// Temporary memory: one block a node, and n - 2 more for the sums that travel if the rail is a ring.
inline void reduce_scatter(schedule::builder& b, const teams& t, schedule::place into, algorithm on_rail) {
  const algorithms::block_source node_sums{schedule::buffer::scratch, b.reserve(t.shape.nodes)};
  const bool ring = on_rail == algorithm::ring;
  const algorithms::team rail = t.rail(ring ? 1 : 0);  // ring step s folds the row of round s + 1
  for (int d = 1; d <= t.shape.nodes; ++d) {
    const int row = t.row(d, on_rail);
    const algorithms::team node = t.node(row, static_cast<std::uint32_t>(ring ? d - 1 : 0));
    algorithms::reduce_scatter(b, node, {}, node_sums.of(rail, row), algorithm::direct, false);
  }
  algorithms::reduce_scatter(b, rail, node_sums, into, on_rail, true);
}

}  // namespace mics::hierarchical
