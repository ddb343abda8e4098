#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "../mics_perf/options.hpp"

namespace gpu {

/// The command line, read and checked: which measurement, its numbers, and what all of them share.
struct options {
  std::string what;
  perf::options common{};

  int tensors = 100;                                    ///< coalesced
  std::size_t tensor_bytes = std::size_t{64} << 10;     ///< coalesced: of one result
  std::size_t gradient_bytes = std::size_t{256} << 20;  ///< two_hop
  std::vector<int> micro_steps{1, 4, 8};                ///< two_hop
  int calls = 10000;                                    ///< host_time
  int matrix = 8192;                                    ///< overlap: rows of the square matrices
  std::size_t gather_bytes = std::size_t{1} << 30;      ///< overlap
};

/// Reads the command line; what it cannot use ends the program with exit code 2 and a sentence (0 after --help).
options parse(int argc, char** argv);

}  // namespace gpu
