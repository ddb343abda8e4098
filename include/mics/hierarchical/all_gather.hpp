#pragma once

#include <cstdint>

#include <mics/algorithms/flat.hpp>
#include <mics/hierarchical/teams.hpp>
#include <mics/options.hpp>

namespace mics::hierarchical {

/// MiCS all-gather: k rail groups gather in parallel between the nodes, straight into the final slots; the ranks of a
/// node share each row as soon as it has arrived, their own one at once.
/// Into one node over its network: (p - k) / p of the result.
inline void all_gather(schedule::builder& b, const teams& t, schedule::place own, algorithm on_rail,
                       std::uint32_t first_round = 0) {
  algorithms::all_gather(b, t.node(t.shape.node(), first_round), own, algorithm::direct);
  algorithms::all_gather(b, t.rail(first_round), own, on_rail);
  for (int d = 1; d < t.shape.nodes; ++d) {
    const int row = t.row(d, on_rail);
    const auto arrival = static_cast<std::uint32_t>(on_rail == algorithm::ring ? d : 1);
    const schedule::place arrived = schedule::output(row * t.shape.node_size + t.shape.local_rank());
    algorithms::all_gather(b, t.node(row, first_round + arrival), arrived, algorithm::direct);
  }
}

}  // namespace mics::hierarchical
