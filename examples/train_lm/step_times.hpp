#pragma once

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "settings.hpp"
#include "strategy.hpp"
#include "training_run.hpp"

namespace train_lm {

namespace detail {

inline double seconds_of_a_step(const training& train_by, const strategy& how,
                                std::vector<step_call>* calls = nullptr) {
  std::vector<double> steps;
  const auto all = train_by(how, [&steps](const training_result& part, int) {
    steps.push_back(part.seconds / static_cast<double>(part.losses.size()));
  });
  if (calls != nullptr) *calls = all.calls;
  if (steps.empty()) return 0;                       // another rank reports
  if (steps.size() > 1) steps.erase(steps.begin());  // the first step meets cold memory
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

inline nlohmann::json json_of(const step_call& call) {
  return {{"op", name_of(call.what)},  {"algo", name_of(call.asked)},
          {"nodes", call.shape.nodes}, {"node_size", call.shape.node_size},
          {"size", call.bytes},        {"in_place", call.in_place},
          {"times", call.times}};
}

}  // namespace detail

/// Measures what a step takes in every way, and what its computing takes: all ranks at once, each for itself, which
/// shares cores, caches and power as the training does. In rounds, because machines change their pace. Writes the
/// collectives of a step in each way, and a row for each way and round, to the file of --json, for
/// `mics_plan --train-lm`.
inline void measure_steps(const settings& s, const training& train_by) {
  nlohmann::json calls, rows;
  for (int round = 0; round < s.rounds; ++round) {
    const double computing = detail::seconds_of_a_step(train_by, computing_alone(s.micro_steps));
    const double of_one = detail::seconds_of_a_step(train_by, computing_alone(1));
    const double micro_step = (computing - of_one) / (s.micro_steps - 1);
    const double optimizer = std::max(0.0, of_one - micro_step);  // over all parameters; sharded it is a p-th of that
    for (const strategy& how : strategies(s)) {
      std::vector<step_call> made;
      const double step = detail::seconds_of_a_step(train_by, how, &made);
      const double compute = s.micro_steps * micro_step + optimizer / how.partition_size;
      if (!s.speaks) continue;
      std::printf("%-20s p = %-3d  %9.3f ms a step, %9.3f ms without communication\n", how.name.c_str(),
                  how.partition_size, 1e3 * step, 1e3 * compute);
      rows.push_back({{"name", how.name},
                      {"partition", how.partition_size},
                      {"round", round},
                      {"time_us", 1e6 * step},
                      {"compute_us", 1e6 * compute}});
      if (round > 0) continue;
      for (const step_call& call : made) calls[how.name].push_back(detail::json_of(call));
    }
  }
  if (!s.speaks) return;
  const nlohmann::json context{
      {"transport", s.transport}, {"nodes", s.nodes},       {"node_size", s.node_size}, {"micro_steps", s.micro_steps},
      {"samples", s.shape.batch}, {"width", s.shape.width}, {"steps", s.steps}};
  std::ofstream file(s.json);
  file << nlohmann::json{{"context", context}, {"calls", calls}, {"rows", rows}}.dump(1) << '\n';
  if (!file) throw std::runtime_error("--json: cannot write '" + s.json + "'");
}

}  // namespace train_lm
