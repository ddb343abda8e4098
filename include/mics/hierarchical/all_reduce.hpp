#pragma once

#include <cstdint>

#include <mics/hierarchical/all_gather.hpp>
#include <mics/hierarchical/reduce_scatter.hpp>

namespace mics::hierarchical {

/// MiCS all-reduce: node reduce-scatter, rail all-reduce (a rail reduce-scatter and a rail all-gather), node
/// all-gather. A chunk starts its way back as soon as it is reduced.
inline void all_reduce(schedule::builder& b, const teams& t, algorithm on_rail) {
  const schedule::place own = schedule::output(t.shape.rank);
  reduce_scatter(b, t, own, on_rail);
  const bool ring = on_rail == algorithm::ring;
  all_gather(b, t, own, on_rail, ring ? static_cast<std::uint32_t>(t.shape.nodes) : 1);
}

}  // namespace mics::hierarchical
