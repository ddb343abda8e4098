#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <mics/mics.hpp>

#include "statistics.hpp"

namespace perf {

struct rounds {
  int warmup = 0;
  int measured = 1;
  int repeats = 1;  ///< calls back to back in one sample
};

/// Median time of each call in microseconds, the same on every rank; all ranks pass the same calls in the same order.
/// One call after the other in every round, starting with another one each time, so that drift hits all alike.
/// With one clock for all ranks a sample lasts from the first rank's start to the last one's end, else it is the
/// longest of the ranks' own times.
template <class Comm>
std::vector<double> interleave(Comm& world, const std::vector<std::function<void()>>& calls, rounds plan,
                               bool shared_clock) {
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
  const std::size_t n = calls.size();
  const auto measured = static_cast<std::size_t>(plan.measured);
  std::vector<std::int64_t> start(n * measured), end(n * measured);
  for (int round = -plan.warmup; round < plan.measured; ++round) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t which = (i + static_cast<std::size_t>(round + plan.warmup)) % n;
      mics::barrier(world);
      const std::int64_t begin = now();
      for (int repeat = 0; repeat < plan.repeats; ++repeat) calls[which]();
      if (round < 0) continue;
      const std::size_t at = which * measured + static_cast<std::size_t>(round);
      end[at] = now();
      start[at] = begin;
    }
  }
  if (shared_clock) {
    mics::all_reduce(world, start, start, mics::reduction::min);
  } else {
    for (std::size_t at = 0; at < end.size(); ++at) end[at] -= start[at];
    start.assign(start.size(), 0);
  }
  mics::all_reduce(world, end, end, mics::reduction::max);

  std::vector<double> medians(n);
  for (std::size_t which = 0; which < n; ++which) {
    std::vector<double> samples(measured);
    for (std::size_t round = 0; round < measured; ++round) {
      const std::size_t at = which * measured + round;
      samples[round] = static_cast<double>(end[at] - start[at]) / (1e3 * plan.repeats);
    }
    medians[which] = median(std::move(samples));
  }
  return medians;
}

}  // namespace perf
