#pragma once

#include <cstddef>
#include <optional>

#include <mics/types.hpp>

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

/// The least time, in microseconds, in which (p-k)/p of the bytes can enter a node; nothing when one node holds all.
inline std::optional<double> limit_us(mics::operation op, std::size_t bytes, int p, int k,
                                      std::optional<double> gbit_s) {
  if (!gbit_s || p <= k) return std::nullopt;
  const double whole = static_cast<double>(bytes) * 8 / (*gbit_s * 1e3);
  const double from_outside = whole * (p - k) / p;
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
