#pragma once

#include <optional>
#include <string>
#include <vector>

#include <mics/model/partition_cost.hpp>

namespace plan_tool {

/// The command line, read and checked.
struct options {
  mics::model::training_plan training{};
  std::vector<int> partition_sizes{};  ///< empty: all that lie evenly on nodes
  std::string calibration;             ///< rows of mics_perf; empty: plan a training instead
  bool check = false;                  ///< judge the calibration by its goal
  bool rows = false;                   ///< print every residual
};

/// Reads the command line; what it cannot use ends the program with exit code 2 and a sentence (0 after --help).
options parse(int argc, char** argv);

}  // namespace plan_tool
