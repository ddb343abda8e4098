#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mics/options.hpp>
#include <mics/types.hpp>

namespace perf {

/// One entry of --algo: the name that the tables print and what the library is asked for.
using variant = std::pair<std::string, mics::algorithm>;

enum class transport { thread, nccl, libfabric };

/// Where buffers come from.
enum class memory_kind {
  plain,       ///< cudaMalloc, or the heap
  registered,  ///< the library's allocator, which the ranks of a node reach directly
};

/// The command line, read and checked.
struct options {
  std::vector<mics::operation> operations{mics::operation::all_gather};
  std::vector<variant> variants{{"auto", mics::algorithm::automatic}};
  std::vector<mics::data_type> types{mics::data_type::float32};
  std::vector<mics::reduction> reductions{mics::reduction::sum};

  std::size_t min_bytes = 1024;
  std::size_t max_bytes = std::size_t{16} << 20;
  std::size_t step_bytes = 0;  ///< 0: multiply by factor instead
  std::size_t factor = 4;
  int warmup = 5;
  int iterations = 20;
  double budget = 0;  ///< seconds for the timing of one size; 0: no limit
  bool check = true;
  bool corrupt = false;  ///< self-test: damage one element of every result, so that the check must fail
  bool baseline = false;

  perf::transport transport = transport::thread;
  int nodes = 2;
  int node_size = 4;
  int partition = 0;         ///< 0: the whole world
  bool replication = false;  ///< measure in the replication groups instead: hop 2
  std::optional<double> gbit_s;
  std::chrono::seconds timeout{30};
  std::string json;

  // Of one process a rank.
  memory_kind memory = memory_kind::plain;
  bool speaks = true;  ///< this process prints and writes
  std::string link;    ///< libfabric: the network interface whose bytes count; empty: none
  int repeats = 0;     ///< calls back to back in each sample; 0: by their size
  int spawn = 0;       ///< libfabric: fork so many ranks here; 0: a launcher has started them

  // Of transport nccl.
  std::string tune;                                ///< write the fastest algorithms to this file
  std::string tuned;                               ///< let auto choose by this file
  std::size_t chunk_bytes = std::size_t{2} << 20;  ///< of a block, in the overlapped ways

  [[nodiscard]] int world_size() const { return nodes * node_size; }
  [[nodiscard]] int partition_size() const { return partition == 0 ? world_size() : partition; }
  /// Of the groups that are measured.
  [[nodiscard]] int group_size() const { return replication ? world_size() / partition_size() : partition_size(); }
};

/// Reads the command line; what it cannot use ends the program with exit code 2 and a sentence (0 after --help).
options parse(int argc, char** argv);

}  // namespace perf
