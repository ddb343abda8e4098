#include "train_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "../mics_perf/statistics.hpp"
#include "fields.hpp"

namespace plan_tool {
namespace {

namespace model = mics::model;

constexpr double step_goal = 0.15;

/// One call of this kind; the algorithm is the one that the library chose for its like.
double call_s(const measurements& read, const model::calibration& fit, const fields& call,
              std::set<std::string>& unknown) {
  const mics::hierarchy shape{call.count("nodes"), call.count("node_size")};
  model::collective c = collective_of(call, "algo", shape, read.transport);
  if (c.shape.nodes * c.shape.node_size == 1) return 0;  // a copy, which the computing alone makes as well
  if (c.how == mics::algorithm::automatic) c.how = read.chosen_for(c);
  if (fit.profile_of(c) == nullptr) unknown.insert(kind_of(c));
  return fit.seconds(c);
}

/// What a step computes and what its collectives take, less what the network saved up while it computed: evenly
/// between the calls that cross it.
double step_s(const measurements& read, const model::calibration& fit, const std::vector<fields>& calls,
              double compute_s, double burst_s, std::set<std::string>& unknown) {
  int crossings = 0;
  for (const fields& call : calls) crossings += call.count("nodes") > 1 ? call.count("times") : 0;
  const double saved_s = crossings == 0 ? 0 : std::min(burst_s, compute_s / crossings);
  double seconds = compute_s;
  for (const fields& call : calls) {
    const double alone_s = call_s(read, fit, call, unknown);
    const bool crosses = call.count("nodes") > 1;
    seconds += call.count("times") * (crosses ? std::max(0.0, alone_s - saved_s) : alone_s);
  }
  return seconds;
}

/// Predictions from other links would say nothing.
void require_transport(const fields& context, const std::string& measured) {
  if (context.text("transport") == measured) return;
  throw std::invalid_argument(context.where() + ".transport is " + context.at("transport").dump() +
                              "; allowed: that of the rows of --calibrate, " + measured);
}

}  // namespace

double step_prediction::median_error() const { return perf::median(errors); }

training_check check_training(const measurements& read, const model::calibration& fit, const std::string& path,
                              double burst_bytes) {
  const json_file file(path);
  const fields calls(file.whole().at("calls"), file.whole().where() + ": calls");
  require_transport(fields(file.whole().at("context"), file.whole().where() + ": context"), read.transport);
  const double burst_s = burst_bytes / fit.links().slow.bytes_per_s;
  training_check all;
  all.about = file.about({"transport", "nodes", "node_size", "micro_steps", "samples", "width"});
  if (burst_bytes > 0) all.about += ", burst " + std::to_string(std::lround(burst_bytes));
  std::map<std::string, std::vector<std::array<double, 2>>> times;
  for (const fields& row : file.rows()) {
    const std::string name = row.text("name");
    const double predicted =
        step_s(read, fit, calls.list(name), row.positive("compute_us") * 1e-6, burst_s, all.unknown);
    if (times.count(name) == 0) all.ways.push_back({name, row.count("partition")});
    times[name].push_back({row.positive("time_us") * 1e-6, predicted});
  }
  for (step_prediction& way : all.ways) {
    std::vector<double> measured, predicted;
    for (const auto [took, expected] : times[way.name]) {
      measured.push_back(took);
      predicted.push_back(expected);
      way.errors.push_back(expected / took - 1);
    }
    way.measured_s = perf::median(measured);
    way.predicted_s = perf::median(predicted);
    all.met = all.met && std::abs(way.median_error()) <= step_goal;
  }
  return all;
}

void print(const training_check& all) {
  std::printf("#\n# steps of train_lm, %s\n", all.about.c_str());
  for (const std::string& kind : all.unknown) std::printf("# no row of %s: predicted from the links\n", kind.c_str());
  std::printf("# medians over rounds %9s %12s %12s %8s %8s %8s\n", "p", "measured", "predicted", "error", "least",
              "most");
  for (const step_prediction& way : all.ways) {
    const auto [least, most] = std::minmax_element(way.errors.begin(), way.errors.end());
    std::printf("  %-24s %4d %9.3f ms %9.3f ms %+6.1f %% %+6.1f %% %+6.1f %%\n", way.name.c_str(), way.partition,
                1e3 * way.measured_s, 1e3 * way.predicted_s, 100 * way.median_error(), 100 * *least, 100 * *most);
  }
  std::printf("# goal of %.0f %%: %s\n", 100 * step_goal, all.met ? "met" : "missed");
}

}  // namespace plan_tool
