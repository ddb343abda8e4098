#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "settings.hpp"
#include "strategy.hpp"
#include "training_run.hpp"

namespace train_lm {

/// A finished run, a line of the final table.
struct table_row {
  strategy how;
  training_result result;
};

namespace detail {

inline std::string megabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f MB", bytes / 1e6);
  return text;
}

inline double a_step(std::uint64_t bytes, const training_result& result) {
  return static_cast<double>(bytes) / static_cast<double>(result.losses.size());
}

}  // namespace detail

/// One line for people: where the run is, and what a step moves.
inline void print_progress(const settings& s, const training_result& since_last, int steps_done) {
  const auto steps = static_cast<double>(since_last.losses.size());
  const double tokens = steps * s.world_size() * s.micro_steps * static_cast<double>(s.shape.batch);
  std::printf("  step %4d/%d  loss %.4f  %7.0f tokens/s", steps_done, s.steps, since_last.losses.back(),
              tokens / since_last.seconds);
  if (since_last.moved.into_node.empty()) {
    std::printf("\n");
  } else {
    std::printf("   %s: slow links %9s, fast links %9s\n", s.counts_bytes() ? "a step" : "planned a step",
                detail::megabytes(detail::a_step(since_last.moved.slow, since_last)).c_str(),
                detail::megabytes(detail::a_step(since_last.moved.fast, since_last)).c_str());
  }
  std::fflush(stdout);
}

/// Largest relative difference between two loss curves; not a number where one of them is none.
inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double apart = std::abs(a[i] - b[i]) / std::abs(a[i]);
    if (std::isnan(apart)) return apart;
    largest = std::max(largest, apart);
  }
  return largest;
}

/// The runs side by side. `off by`: the largest difference of the loss curve to that of the first row; the last column
/// compares the bytes with those of the first row.
inline void print_table(const settings& s, const std::vector<table_row>& rows) {
  std::printf("\n%-20s %3s %13s %11s %7s %11s %23s %8s\n", "", "p", "state a rank", "final loss", "off by", "step time",
              "into the busiest node", "to MiCS");
  const training_result& first = rows.front().result;
  const double first_bytes = detail::a_step(first.moved.busiest_node(), first);
  for (const auto& [how, result] : rows) {
    const double bytes = detail::a_step(result.moved.busiest_node(), result);
    std::printf("%-20s %3d %13s %11.4f %7.0e %8.1f ms %16s a step", how.name.c_str(), how.partition_size,
                detail::megabytes(static_cast<double>(result.state_bytes)).c_str(), result.losses.back(),
                difference(first.losses, result.losses),
                1e3 * result.seconds / static_cast<double>(result.losses.size()),
                result.moved.into_node.empty() ? "unknown" : detail::megabytes(bytes).c_str());
    first_bytes > 0 ? std::printf(" %7.2fx\n", bytes / first_bytes) : std::printf("\n");
  }
  std::printf(s.counts_bytes()
                  ? "\nBytes are exact. Times are those of threads that share the cores and memory of this machine.\n"
                  : "\nBytes are planned: this transport does not count them. Times are those of the slowest rank.\n");
}

}  // namespace train_lm
