#pragma once

#include <cstdint>
#include <string>

#include "adamw_options.hpp"
#include "tensors.hpp"

namespace train_lm {

/// What the command line decides.
struct settings {
  std::string text;  ///< file to learn; empty: the project's own headers
  std::string transport = "thread";
  int nodes = 2;
  int node_size = 4;  ///< k
  int partition = 0;  ///< p of MiCS; 0: one node
  int micro_steps = 4;
  int steps = 100;
  int spawn = 0;  ///< libfabric: fork so many ranks here; 0: a launcher has started them
  std::uint64_t seed = 1;
  std::string json;  ///< file for the times of steps, measured in `rounds`, instead of the comparison
  int rounds = 5;
  bool alone = false;    ///< also train on one rank alone, to compare
  bool speaks = true;    ///< this process reports: always, or rank 0 where ranks are processes
  bool checked = false;  ///< let mics compare every call among all ranks first
  model_shape shape{};
  adamw_options optimizer{};

  /// Else the report says what was planned.
  [[nodiscard]] bool counts_bytes() const { return transport == "thread"; }
  /// Nodes that ranks of this machine play.
  [[nodiscard]] bool pretends_nodes() const { return transport == "thread" || spawn > 0; }
  [[nodiscard]] int world_size() const { return nodes * node_size; }
  [[nodiscard]] int partition_size() const { return partition > 0 ? partition : node_size; }
};

}  // namespace train_lm
