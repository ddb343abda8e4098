#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "row.hpp"

namespace perf {

/// The row of a baseline for the same call, or none.
inline const row* baseline_of(const std::vector<row>& rows, const row& measured, const std::string& algo) {
  for (const row& r : rows) {
    const bool same_form = algo == "barrier" || r.in_place == measured.in_place;
    if (r.algo == algo && r.op == measured.op && r.type == measured.type && r.redop == measured.redop &&
        r.size == measured.size && same_form) {
      return &r;
    }
  }
  return nullptr;
}

/// Prints time / plain copy at 1 MiB and above, and time / bare barrier where a rank's block is at most 8 bytes.
inline void print_goals(const std::vector<row>& rows) {
  std::printf("#\n# against a plain copy (goal 1.3 at 1 MiB and more) and a bare barrier (goal 3 at 8 bytes)\n");
  for (const row& r : rows) {
    if (r.algo == "memcpy" || r.algo == "barrier") continue;
    const bool large = r.size >= (std::size_t{1} << 20);
    const bool small = r.size <= 8 * static_cast<std::size_t>(r.partition);
    const row* const base = large || small ? baseline_of(rows, r, large ? "memcpy" : "barrier") : nullptr;
    if (base == nullptr) continue;
    std::printf("# %-14s %-12s %-11s %10zu B  %-12s %6.2f x %s\n", r.op.c_str(), r.algo.c_str(), r.type.c_str(), r.size,
                r.in_place ? "in-place" : "out-of-place", r.time_us / base->time_us, base->algo.c_str());
  }
}

}  // namespace perf
