#pragma once

#include <optional>
#include <string>
#include <vector>

#include <mics/model/partition_cost.hpp>

namespace plan_tool {

/// What --train-lm trains.
struct training_options {
  bool run = false;
  int nodes = 2;
  int node_size = 4;
  int micro_steps = 4;
  int steps = 20;
  int width = 128;
  int batch = 32;
};

/// The command line, read and checked.
struct options {
  mics::model::training_plan training{};
  std::vector<int> partition_sizes{};      ///< empty: all that lie evenly on nodes
  std::vector<std::string> calibration{};  ///< files of rows of mics_perf; none: plan a training instead
  bool check = false;                      ///< judge the calibration by its goal
  bool rows = false;                       ///< print every residual
  training_options train_lm{};
};

/// Reads the command line; what it cannot use ends the program with exit code 2 and a sentence (0 after --help).
options parse(int argc, char** argv);

}  // namespace plan_tool
