#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace perf {

/// One measured figure: one operation, algorithm, size and form (in place or not). Every benchmark writes rows so.
struct row {
  std::string op;
  std::string algo;
  std::string plan;  ///< what the library chose for "auto"; else the same as algo
  std::string transport;
  int nodes = 0;
  int node_size = 0;
  int partition = 0;
  bool replication = false;  ///< its replication groups were measured
  std::size_t size = 0;      ///< bytes: the gathered result, the input of a reduce-scatter, the buffer of the others
  std::size_t count = 0;     ///< elements: of one shard for gather and reduce-scatter, as nccl-tests counts
  std::string type;
  std::string redop;
  bool in_place = false;
  double time_us = 0;
  std::optional<double> algbw;  ///< GB/s
  std::optional<double> busbw;  ///< GB/s
  std::optional<std::uint64_t> wrong;
  std::optional<std::uint64_t> node_in_bytes;  ///< one call's bytes into the busiest node
  std::optional<double> limit_us;              ///< no algorithm can be faster at the rate given
};

/// Facts about a run, in the order in which they are written.
using context = std::vector<std::pair<std::string, std::string>>;

}  // namespace perf
