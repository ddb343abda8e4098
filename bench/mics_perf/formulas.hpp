#pragma once

#include <cstddef>
#include <optional>

#include <mics/options.hpp>
#include <mics/topology/hierarchy.hpp>

namespace perf {

/// busbw / algbw, as nccl-tests defines it for a group of p ranks.
inline double bus_factor(mics::operation op, int p) {
  const double spread = static_cast<double>(p - 1) / p;
  switch (op) {
    case mics::operation::all_gather:
    case mics::operation::reduce_scatter:
      return spread;
    case mics::operation::all_reduce:
      return 2 * spread;
    default:
      return 1;
  }
}

/// The least time, in microseconds, in which (n-1)/n of the bytes of every group of this shape can enter a node of so
/// many ranks; nothing when one node holds all of a group.
inline std::optional<double> limit_us(mics::operation op, std::size_t bytes, mics::hierarchy group, int node_size,
                                      std::optional<double> gbit_s) {
  if (!gbit_s || group.nodes == 1) return std::nullopt;
  const int groups = node_size / group.node_size;
  const double whole = groups * static_cast<double>(bytes) * 8 / (*gbit_s * 1e3);
  const double from_outside = whole * (group.nodes - 1) / group.nodes;
  switch (op) {
    case mics::operation::all_gather:
    case mics::operation::reduce_scatter:
      return from_outside;
    case mics::operation::all_reduce:
      return 2 * from_outside;
    default:
      return whole;
  }
}

}  // namespace perf
