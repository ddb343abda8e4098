#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "station.hpp"
#include "statistics.hpp"

namespace perf {

struct rounds {
  int warmup = 0;
  int measured = 1;
  int repeats = 1;            ///< calls back to back in one sample
  double budget_seconds = 0;  ///< 0: none; else fewer rounds, but not less than 3, where they would take longer
};

/// How many rounds are measured when one takes `round_seconds` on the slowest rank.
inline int affordable(const rounds& plan, double round_seconds) {
  if (plan.budget_seconds <= 0 || round_seconds <= 0) return plan.measured;
  const double fitting = plan.budget_seconds / round_seconds;
  const int least = std::min(3, plan.measured);
  return fitting >= plan.measured ? plan.measured : std::max(least, static_cast<int>(fitting));
}

/// Median time of each call in microseconds, the same on every rank; all ranks pass the same calls in the same order.
/// One call after the other in every round, starting with another one each time, so that drift hits all alike.
/// With one clock for all ranks a sample lasts from the first rank's start to the last one's end, else it is the
/// longest of the ranks' own times.
template <station Station>
std::vector<double> interleave(Station& here, const std::vector<std::function<void()>>& calls, rounds plan,
                               bool shared_clock) {
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
  const std::size_t n = calls.size();
  std::size_t first = 0;  // who begins the next round
  const auto round = [&](auto keep) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t which = (i + first) % n;
      here.align();
      const std::int64_t begin = now();
      for (int repeat = 0; repeat < plan.repeats; ++repeat) calls[which]();
      here.finish();
      keep(which, begin, now());
    }
    ++first;
  };

  double spent = 0;
  for (int warm = 0; warm < plan.warmup; ++warm) {
    const std::int64_t begin = now();
    round([](std::size_t, std::int64_t, std::int64_t) {});
    std::vector<std::int64_t> took{now() - begin};
    if (plan.budget_seconds <= 0) continue;
    here.fold_numbers(took, fold::max);  // all ranks must stop at the same round
    const double seconds = static_cast<double>(took[0]) * 1e-9;
    if (warm > 0 || seconds > plan.budget_seconds) plan.measured = std::min(plan.measured, affordable(plan, seconds));
    spent += seconds;
    if (spent > plan.budget_seconds) break;  // warm enough
  }

  const auto measured = static_cast<std::size_t>(plan.measured);
  std::vector<std::int64_t> start(n * measured), end(n * measured);
  for (std::size_t r = 0; r < measured; ++r) {
    round([&](std::size_t which, std::int64_t begin, std::int64_t ended) {
      start[which * measured + r] = begin;
      end[which * measured + r] = ended;
    });
  }
  if (shared_clock) {
    here.fold_numbers(start, fold::min);
  } else {
    for (std::size_t at = 0; at < end.size(); ++at) end[at] -= start[at];
    start.assign(start.size(), 0);
  }
  here.fold_numbers(end, fold::max);

  std::vector<double> medians(n);
  for (std::size_t which = 0; which < n; ++which) {
    std::vector<double> samples(measured);
    for (std::size_t r = 0; r < measured; ++r) {
      const std::size_t at = which * measured + r;
      samples[r] = static_cast<double>(end[at] - start[at]) / (1e3 * plan.repeats);
    }
    medians[which] = median(std::move(samples));
  }
  return medians;
}

}  // namespace perf
