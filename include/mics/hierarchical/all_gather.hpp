#pragma once

#include <cstdint>

#include <mics/algorithms/direct.hpp>
#include <mics/algorithms/ring.hpp>
#include <mics/hierarchical/teams.hpp>
#include <mics/options.hpp>

namespace mics::hierarchical {

/// MiCS all-gather: k rail groups gather in parallel between the nodes, straight into the final slots; the ranks of a
/// node share each row as soon as it has arrived, their own one at once.
/// Into one node over its network: (p - k) / p of the result.
inline void all_gather(schedule::builder& b, const teams& t, schedule::place own, algorithm on_rail,
                       std::uint32_t first_round = 0) {
  const algorithms::team rail = t.rail(first_round);
  algorithms::direct_all_gather(b, t.node(t.shape.node(), first_round), own);
  if (on_rail == algorithm::ring) {
    algorithms::ring_all_gather(b, rail, own);
  } else {
    algorithms::direct_all_gather(b, rail, own);
  }
  for (int d = 1; d < t.shape.nodes; ++d) {
    const int row = t.row(d, on_rail);
    const auto steps = static_cast<std::uint32_t>(on_rail == algorithm::ring ? d : 1);
    algorithms::direct_all_gather(b, t.node(row, first_round + steps),
                                  schedule::output(row * t.shape.node_size + t.shape.local_rank()));
  }
}

}  // namespace mics::hierarchical
