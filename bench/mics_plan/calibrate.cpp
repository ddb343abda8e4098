#include "calibrate.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <mics/model/calibration.hpp>

#include "measurements.hpp"
#include "residuals_json.hpp"
#include "train_check.hpp"

namespace plan_tool {
namespace {

namespace model = mics::model;

constexpr double collective_goal = 0.10;

void print_rate(const char* name, double bytes_per_s) {
  if (bytes_per_s >= model::detail::unlimited) {
    std::printf("  %-26s no row tells it\n", name);
  } else {
    std::printf("  %-26s %10.3f GB/s\n", name, bytes_per_s / 1e9);
  }
}

void print_links(const model::link_classes& links, double error) {
  std::printf("#\n# one set of links for everything, by least squares of the relative errors: median error %.1f %%\n",
              100 * error);
  const auto time = [](const char* name, double s) { std::printf("  %-26s %10.3f us\n", name, 1e6 * s); };
  time("a call", links.call_s);
  time("a step between nodes", links.slow.latency_s);
  time("a step in a node", links.fast.latency_s);
  time("a message", links.message_s);
  print_rate("into a node", links.slow.bytes_per_s);
  print_rate("into a rank from its node", links.fast.bytes_per_s);
  print_rate("copies", links.copy.bytes_per_s);
  print_rate("sums, beyond their way", links.reduce_bytes_per_s);
}

double worst(const std::vector<model::residual>& all) {
  double most = 0;
  for (const auto& r : all) most = std::max(most, std::abs(r.relative()));
  return most;
}

template <class Key> using grouped = std::map<Key, std::vector<model::residual>>;

void print_profiles(const std::vector<model::residual>& fitted, const std::vector<model::residual>& unseen) {
  grouped<std::string> of_fit, of_unseen;
  for (const auto& r : fitted) of_fit[kind_of(r.measured.call)].push_back(r);
  for (const auto& r : unseen) of_unseen[kind_of(r.measured.call)].push_back(r);
  std::printf("#\n# a profile for each: predicted against measured; unseen: sizes predicted from the others\n");
  std::printf("# %-47s %6s %8s %8s %8s\n", "", "rows", "median", "worst", "unseen");
  for (const auto& [kind, its] : of_fit) {
    std::printf("  %-47s %6zu %6.1f %% %6.1f %% ", kind.c_str(), its.size(), 100 * model::median_error(its),
                100 * worst(its));
    const auto found = of_unseen.find(kind);
    found == of_unseen.end() ? std::printf("%8s\n", "-")
                             : std::printf("%6.1f %%\n", 100 * model::median_error(found->second));
  }
}

void print_rows(const std::vector<model::residual>& fitted) {
  std::printf("#\n# %-47s %12s %12s %12s %8s\n", "", "size (B)", "measured", "predicted", "error");
  for (const auto& r : fitted) {
    std::printf("  %-47s %12.0f %9.2f us %9.2f us %+6.1f %%\n", kind_of(r.measured.call).c_str(), r.measured.call.bytes,
                1e6 * r.measured.seconds, 1e6 * r.predicted_s, 100 * r.relative());
  }
}

/// Sizes are grouped by powers of two: rounding to whole elements makes neighbours of equal ones.
bool print_sizes(const std::vector<model::residual>& fitted) {
  grouped<int> sizes;
  for (const auto& r : fitted) sizes[static_cast<int>(std::lround(std::log2(r.measured.call.bytes)))].push_back(r);
  bool met = true;
  std::printf("#\n# median error at every size (goal: at most %.0f %%)\n", 100 * collective_goal);
  for (const auto& [power, its] : sizes) {
    const double error = model::median_error(its);
    met = met && error <= collective_goal;
    std::printf("  2^%-2d bytes %6zu rows %6.1f %%%s\n", power, its.size(), 100 * error,
                error <= collective_goal ? "" : "  missed");
  }
  return met;
}

}  // namespace

int calibrate(const options& chosen) {
  const measurements read = read_measurements(chosen.calibration, chosen.only);
  for (const std::string& file : read.about) std::printf("# %s\n", file.c_str());
  std::printf("# %zu rows of %s over %s; %zu others left out\n", read.samples.size(), read.type.c_str(),
              read.transport.c_str(), read.left_out);
  const auto fit = model::calibration::fit(read.samples);
  const auto fitted = fit.residuals(read.samples);
  const auto unseen = model::held_out(read.samples);
  print_links(fit.links(), model::median_error(fit.link_residuals(read.samples)));
  print_profiles(fitted, unseen);
  if (chosen.rows) print_rows(fitted);
  bool met = print_sizes(fitted);
  std::printf("#\n# median error of all rows: %.1f %%; of sizes that took no part in the fit: ",
              100 * model::median_error(fitted));
  unseen.empty() ? std::printf("no such rows\n") : std::printf("%.1f %%\n", 100 * model::median_error(unseen));
  std::printf("# goal: %s\n", met ? "met" : "missed");
  std::vector<training_check> trainings;
  for (const std::string& path : chosen.train_lm) {
    trainings.push_back(check_training(read, fit, path, chosen.burst_bytes));
    print(trainings.back());
    met = met && trainings.back().met;
  }
  if (!chosen.json.empty()) write_json(chosen.json, read, fitted, trainings);
  return chosen.check && !met ? 1 : 0;
}

}  // namespace plan_tool
