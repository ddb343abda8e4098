#include "options.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include <CLI/CLI.hpp>

#include <mics/error.hpp>
#include <mics/topology.hpp>

#include "../common/command_line.hpp"
#include "cases.hpp"
#include "names.hpp"
#include "place.hpp"
#include "shared_options.hpp"
#include "sizes.hpp"

namespace perf {
namespace {

struct words {
  std::string min = "1K", max = "16M", step, chunk = "2M";
  std::vector<std::string> types{"float32"}, reductions{"sum"}, operations{"all_gather"}, variants{"auto"};
  std::string transport = "thread", baseline = "none", memory = "plain";
  double gbit_s = 0;
  long seconds = 30;
};

void declare(CLI::App& app, options& to, words& text) {
  app.add_option("-b,--minbytes", text.min, "smallest size, with K, M or G")->capture_default_str();
  app.add_option("-e,--maxbytes", text.max, "largest size")->capture_default_str();
  app.add_option("-f,--stepfactor", to.factor, "next size = size * factor")->capture_default_str();
  app.add_option("-i,--stepbytes", text.step, "next size = size + step (instead of -f)");
  declare_shared(app, to, text.gbit_s, text.seconds);
  app.add_option("-d,--datatype", text.types, "types, by commas, or all")->delimiter(',')->capture_default_str();
  app.add_option("-o,--redop", text.reductions, "sum,avg,min,max,prod or all")->delimiter(',')->capture_default_str();
  app.add_option("--op", text.operations, "all_gather,reduce_scatter,all_reduce,broadcast or all")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--algo", text.variants,
                 "auto,flat,hierarchical,direct,ring,bruck,halving,doubling,exchange,tree or all; flat is the ring "
                 "(broadcast: tree). Over nccl: auto,native,hierarchical,packed,overlapped,overlapped_packed, and "
                 "nccl: NCCL without "
                 "this library. Over "
                 "libfabric also peer: the library that this program was linked with, see bench/peers")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--transport", text.transport,
                 "thread; nccl or libfabric: started once a rank, by torchrun or the like")
      ->check(CLI::IsMember({"thread", "nccl", "libfabric"}))
      ->capture_default_str();
  app.add_option("--nodes", to.nodes, "nodes (of processes: the world over the node size)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--node-size", to.node_size, "ranks of a node (of processes: LOCAL_WORLD_SIZE or its like)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--partition", to.partition, "ranks of a partition group (0: all); all groups run at once")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--replication", to.replication, "measure in the replication groups of that --partition: hop 2");
  app.add_option("--baseline", text.baseline, "copy: compare with a plain memory copy and a bare barrier")
      ->check(CLI::IsMember({"none", "copy"}))
      ->capture_default_str();
  app.add_option("--memory", text.memory, "plain or registered: buffers of nccl and libfabric")
      ->check(CLI::IsMember({"plain", "registered"}))
      ->capture_default_str();
  app.add_option("--spawn", to.spawn, "libfabric: fork so many ranks on this machine, which play the nodes")
      ->check(CLI::PositiveNumber);
  app.add_option("--link", to.link, "libfabric: count what comes into rank 0's node through this network interface");
  app.add_option("--repeats", to.repeats, "calls back to back in a sample (default: 256K / size, from 1 to 16)")
      ->check(CLI::PositiveNumber);
  app.add_flag_callback(
      "--single", [&to] { to.repeats = 1; }, "every call begins behind a barrier: --repeats 1");
  app.add_option("--chunk", text.chunk, "nccl: the piece of a block that overlapped ways move at once")
      ->capture_default_str();
  app.add_option("--tune", to.tune,
                 "nccl: measure all algorithms and write the fastest to this file (all operations, 8 B to 1 GiB, "
                 "unless --op, -b or -e say otherwise)");
  app.add_option("--tuned", to.tuned, "nccl: auto chooses by this file");
  app.add_flag("--corrupt", to.corrupt)->group("");
}

void require(bool fine, const std::string& sentence) {
  if (!fine) throw std::invalid_argument(sentence);
}

/// --tune measures what a table is made of.
void widen_for_tuning(options& to, words& text, const CLI::App& app) {
  if (app.count("--algo") == 0) text.variants.clear();
  for (const char* way : {"native", "hierarchical", "packed", "overlapped", "overlapped_packed"}) {
    if (std::find(text.variants.begin(), text.variants.end(), way) == text.variants.end()) text.variants.push_back(way);
  }
  if (app.count("--op") == 0) text.operations = {"all"};
  if (app.count("-b") == 0) text.min = "8";
  if (app.count("-e") == 0) text.max = "1G";
  if (app.count("-f") == 0) to.factor = 2;        // no size that matters lies between two measured ones
  if (app.count("-n") == 0) to.iterations = 101;  // the small sizes are close and noisy, ...
  if (app.count("--budget") == 0) to.budget = 2;  // ... the large ones neither
}

void interpret(options& to, words& text, const CLI::App& app) {
  to.transport = text.transport == "nccl"        ? transport::nccl
                 : text.transport == "libfabric" ? transport::libfabric
                                                 : transport::thread;
  to.memory = text.memory == "registered" ? memory_kind::registered : memory_kind::plain;
  const bool nccl = to.transport == transport::nccl;
  const bool processes = to.transport != transport::thread;
  require(nccl || (to.tune.empty() && to.tuned.empty()), "--tune and --tuned are for --transport nccl");
  require(processes || text.memory == "plain", "--memory is for --transport nccl and libfabric");
  require(nccl || app.count("--chunk") == 0, "--chunk is for --transport nccl");
  require(to.transport == transport::libfabric || to.spawn == 0, "--spawn is for --transport libfabric");
  require(!processes || text.baseline == "none", "--baseline copy is for --transport thread");
  const bool nodes_given = app.count("--nodes") > 0, node_size_given = app.count("--node-size") > 0;
  if (to.spawn > 0) play_nodes(to, nodes_given, node_size_given);
  if (processes && to.spawn == 0) take_place(to, nodes_given, node_size_given);
  if (nccl && text.variants == std::vector<std::string>{"all"}) {
    text.variants = {"nccl", "native", "hierarchical", "packed", "overlapped", "overlapped_packed", "auto"};
  }
  if (!to.tune.empty()) widen_for_tuning(to, text, app);
  to.min_bytes = parse_bytes(text.min);
  to.max_bytes = parse_bytes(text.max);
  to.chunk_bytes = parse_bytes(text.chunk);
  require(to.chunk_bytes > 0, "--chunk must be at least 1 byte");
  to.step_bytes = text.step.empty() ? 0 : parse_bytes(text.step);
  to.types = values_of(look_up(text.types, type_names()));
  to.reductions = values_of(look_up(text.reductions, reduction_names()));
  to.operations = values_of(look_up(text.operations, operation_names()));
  to.variants = look_up(text.variants, algorithm_names());
  to.baseline = text.baseline == "copy";
  const bool patient = processes && app.count("--timeout") == 0;  // many processes start on one machine in some labs
  to.timeout = std::chrono::seconds(patient ? 120 : text.seconds);
  if (text.gbit_s > 0) to.gbit_s = text.gbit_s;
  require(to.min_bytes > 0, "-b must be at least 1 byte");
  require(to.min_bytes <= to.max_bytes,
          "-b " + text.min + " is more than -e " + text.max + "; the smallest size comes first");
  require(to.step_bytes > 0 || to.factor > 1 || to.min_bytes == to.max_bytes,
          "-f must be at least 2 (given: " + std::to_string(to.factor) + ") unless -i gives a step in bytes");
  const std::int64_t world = std::int64_t{to.nodes} * to.node_size;
  static_cast<void>(mics::topology::uniform(world, to.node_size, to.partition > 0 ? to.partition : world));
  require(to.group_size() > 1 || !to.replication,
          "--replication: with --partition " + std::to_string(to.partition_size()) + " of " + std::to_string(world) +
              " ranks there is one replica, which has no others");
  require(!to.corrupt || to.check, "--corrupt needs -c 1");
  require(!cases(to).empty(),
          "nothing to measure: avg is for floating types, and float8_e4m3 and float8_e5m2 are copied, never reduced");
}

}  // namespace

options parse(int argc, char** argv) {
  options chosen;
  words text;
  CLI::App app("Measures the collectives of mics: time, bandwidth, wrong elements, bytes into the busiest node.",
               "mics_perf");
  declare(app, chosen, text);
  read_command_line(app, argc, argv, [&] { interpret(chosen, text, app); });
  return chosen;
}

}  // namespace perf
