#pragma once

#include <string>
#include <vector>

#include <mics/model/job.hpp>

namespace simulate {

struct options {
  bool reproduce = false;
  bool fit = false;
  bool machines = false;
  std::string series;
  std::string calibration = "bench/results/calibration.json";
  std::string json;

  std::string machine = "p4d";
  std::vector<std::string> strategies{"mics", "zero3", "zero3_deepspeed"};
  int partition = 128;
  int prefetch = -1;  ///< -1: as the strategy has it
  bool flat = false;
  bool pipelined = false;
  mics::model::transformer shape{.layers = 79, .hidden = 10240, .vocabulary = 51200, .sequence = 2048, .sequences = 4};
  int gpus = 512;
  int micro_steps = 4;
  mics::model::variance spread{};
};

/// Ends the program with a message when the command line makes no sense.
options parse(int argc, char** argv);

}  // namespace simulate
