#pragma once

#include <optional>
#include <string>
#include <vector>

#include <mics/model/partition_cost.hpp>

namespace plan_tool {

/// The command line, read and checked.
struct options {
  mics::model::training_plan training{};
  std::vector<int> partition_sizes{};      ///< empty: all that lie evenly on nodes
  std::vector<std::string> calibration{};  ///< files of rows of mics_perf; none: plan a training instead
  bool check = false;                      ///< judge the calibration by its goal
  bool rows = false;                       ///< print every residual
  std::vector<std::string> only{};         ///< contenders whose rows are fitted; empty: all of this library
  std::string json{};                      ///< file for all that was predicted
  std::vector<std::string> train_lm{};     ///< files of step times to predict
  double burst_bytes = 0;                  ///< that the network of those steps lets pass at once after a pause
};

/// Reads the command line; what it cannot use ends the program with exit code 2 and a sentence (0 after --help).
options parse(int argc, char** argv);

}  // namespace plan_tool
