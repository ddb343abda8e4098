#include "fit.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "nelder_mead.hpp"

namespace simulate {
namespace {

/// Sets the constants from their logarithms; false where a share of the peak would exceed it.
bool apply(calibration& to, const std::vector<std::string>& names, const std::vector<double>& logs) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double value = std::exp(logs[i]);
    if (names[i].ends_with("compute_share") && value > 1) return false;
    to.set(names[i], value);
  }
  return true;
}

/// Four digits: the figures say no more.
void round_off(calibration& of, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", of.at(name));
    of.set(name, std::strtod(text, nullptr));
  }
}

bool shares(const figure& one) { return one.constants == shared_constants(); }

/// What own constants were taken from.
std::string fallback(const std::string& name) {
  if (name.ends_with(".compute_share")) return "p4d.compute_share";
  if (name.ends_with(".slow_latency_s")) return "p4d.slow_latency_s";
  return "";
}

}  // namespace

calibration fit(calibration start, const std::vector<std::string>& names, const std::vector<const figure*>& to) {
  std::vector<double> logs;
  for (const std::string& name : names) logs.push_back(std::log(start.at(name)));
  calibration trial = start;
  const auto cost = [&](const std::vector<double>& at) {
    if (!apply(trial, names, at)) return 1e9;
    double sum = 0;
    for (const figure* each : to) {
      const double error = each->error_of(each->simulate(trial)) / each->fitted_band;
      sum += error * error;
    }
    return sum;
  };
  apply(start, names, nelder_mead(logs, 0.1, cost));
  return start;
}

calibration fit_all(calibration start) {
  const std::vector<figure> all = figures();
  std::vector<const figure*> together;
  for (const figure& each : all) {
    if (each.fitted() && shares(each)) together.push_back(&each);
  }
  start = fit(start, shared_constants(), together);
  round_off(start, shared_constants());
  start.set("p3dn.compute_share", start.at("p4d.compute_share"));  // carried over, as its source says
  for (const figure& each : all) {
    if (!each.fitted() || shares(each)) continue;
    start = fit(start, each.constants, {&each});
    round_off(start, each.constants);
  }
  return start;
}

double without(const calibration& constants, const figure& left_out) {
  if (!left_out.fitted()) return left_out.simulate(constants);
  calibration refitted = constants;
  if (shares(left_out)) {
    const std::vector<figure> all = figures();
    std::vector<const figure*> others;
    for (const figure& each : all) {
      if (each.fitted() && shares(each) && each.name != left_out.name) others.push_back(&each);
    }
    refitted = fit(refitted, shared_constants(), others);
  } else {
    for (const std::string& name : left_out.constants) {
      const std::string instead = fallback(name);
      if (instead.empty()) return std::numeric_limits<double>::quiet_NaN();
      refitted.set(name, constants.at(instead));
    }
  }
  return left_out.simulate(refitted);
}

}  // namespace simulate
