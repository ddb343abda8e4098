#pragma once

#include <CLI/CLI.hpp>

#include "options.hpp"

namespace perf {

/// The flags of every program that measures collectives: how often, how sure, against what, and where to.
/// `gbit_s` and `seconds` are the words behind --rate and --timeout.
inline void declare_shared(CLI::App& app, options& to, double& gbit_s, long& seconds) {
  app.add_option("-w,--warmup_iters", to.warmup, "iterations before the measurement")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("-n,--iters", to.iterations, "measured iterations; the median counts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--budget", to.budget, "seconds to time one case: then fewer iterations, at least 3 (0: no limit)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("-c,--check", to.check, "verify every element (0 or 1)")->capture_default_str();
  app.add_option("--rate", gbit_s, "Gbit/s into a node: prints the time that no algorithm can beat")
      ->check(CLI::PositiveNumber);
  app.add_option("--timeout", seconds, "seconds until a missing rank is an error")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--json", to.json, "write context and rows to this file");
}

}  // namespace perf
