#pragma once

#include <cstdint>

#include <mics/algorithms/direct.hpp>
#include <mics/algorithms/ring.hpp>
#include <mics/hierarchical/teams.hpp>
#include <mics/options.hpp>

namespace mics::hierarchical {

/// MiCS reduce-scatter, the mirror of the all-gather: the ranks of a node reduce row after row among themselves, and
/// as soon as a row is reduced the rail group reduces it between the nodes.
/// Temporary memory: one block a node; a ring on the rail takes as much again for the sums that travel.
inline void reduce_scatter(schedule::builder& b, const teams& t, schedule::place into, algorithm on_rail) {
  const algorithms::block_source node_sums{schedule::buffer::scratch, b.reserve(t.shape.nodes)};
  const bool ring = on_rail == algorithm::ring;
  const algorithms::team rail = t.rail(ring ? 1 : 0);  // ring step s folds the row of round s + 1
  for (int d = 1; d <= t.shape.nodes; ++d) {
    const int row = t.row(d, on_rail);
    algorithms::direct_reduce_scatter(b, t.node(row, static_cast<std::uint32_t>(ring ? d - 1 : 0)), {},
                                      node_sums.of(rail, row), false);
  }
  if (ring) {
    const algorithms::block_source travelling{schedule::buffer::scratch, b.reserve(t.shape.nodes)};
    algorithms::ring_reduce_scatter(
        b, rail, node_sums, into, [&](int member) { return travelling.of(rail, member); }, true);
  } else {
    algorithms::direct_reduce_scatter(b, rail, node_sums, into, true);
  }
}

}  // namespace mics::hierarchical
