#include "options.hpp"

#include <stdexcept>

#include <CLI/CLI.hpp>

#include "../common/command_line.hpp"
#include "../mics_perf/place.hpp"
#include "../mics_perf/shared_options.hpp"
#include "../mics_perf/sizes.hpp"

namespace gpu {
namespace {

struct words {
  std::string min = "1M", max = "1G", tensor = "64K", gradients = "256M", gather = "1G";
  double gbit_s = 0;
  long seconds = 60;
};

void declare_common(CLI::App& app, perf::options& to, words& text) {
  perf::declare_shared(app, to, text.gbit_s, text.seconds);
  app.add_option("--nodes", to.nodes, "nodes, if not the world over the node size")->check(CLI::PositiveNumber);
  app.add_option("--node-size", to.node_size, "ranks of a node, if not LOCAL_WORLD_SIZE or its like")
      ->check(CLI::PositiveNumber);
  app.require_subcommand(1);
  app.fallthrough();
}

void declare_measurements(CLI::App& app, options& to, words& text) {
  CLI::App* const coalesced = app.add_subcommand("coalesced", "many small tensors: a batch against grouped NCCL calls");
  coalesced->add_option("--tensors", to.tensors)->check(CLI::PositiveNumber)->capture_default_str();
  coalesced->add_option("--bytes", text.tensor, "of one result")->capture_default_str();

  CLI::App* const two_hop = app.add_subcommand("two_hop", "gradients: hop 2 once a step against NCCL's collectives");
  two_hop->add_option("--bytes", text.gradients, "of all gradients, float")->capture_default_str();
  two_hop->add_option("--micro-steps", to.micro_steps)
      ->delimiter(',')
      ->check(CLI::PositiveNumber)
      ->capture_default_str();

  CLI::App* const node = app.add_subcommand("node", "gathers inside a node: plain and registered memory");
  node->add_option("-b,--minbytes", text.min)->capture_default_str();
  node->add_option("-e,--maxbytes", text.max)->capture_default_str();
  node->add_option("-f,--stepfactor", to.common.factor)->check(CLI::Range(2, 1 << 20))->capture_default_str();

  CLI::App* const host_time = app.add_subcommand("host_time", "what a call costs the host");
  host_time->add_option("--calls", to.calls)->check(CLI::Range(100, 100'000'000))->capture_default_str();

  CLI::App* const overlap = app.add_subcommand("overlap", "what a gather costs a matrix product beside it");
  overlap->add_option("--matrix", to.matrix, "rows and columns")->check(CLI::Range(256, 32768))->capture_default_str();
  overlap->add_option("--bytes", text.gather, "of the gathered result")->capture_default_str();
}

void interpret(options& to, const words& text, const CLI::App& app) {
  perf::options& common = to.common;
  to.what = app.get_subcommands().front()->get_name();
  to.tensor_bytes = perf::parse_bytes(text.tensor);
  to.gradient_bytes = perf::parse_bytes(text.gradients);
  to.gather_bytes = perf::parse_bytes(text.gather);
  common.min_bytes = perf::parse_bytes(text.min);
  common.max_bytes = perf::parse_bytes(text.max);
  if (common.min_bytes == 0 || common.min_bytes > common.max_bytes) {
    throw std::invalid_argument("-b " + text.min + " -e " + text.max +
                                "; allowed: at least 1 byte, the smallest first");
  }
  common.timeout = std::chrono::seconds(text.seconds);
  if (text.gbit_s > 0) common.gbit_s = text.gbit_s;
  common.transport = perf::transport::nccl;
  perf::take_place(common, app.count("--nodes") > 0, app.count("--node-size") > 0);
  const bool in_a_node = to.what == "two_hop" || to.what == "node" || to.what == "overlap";
  common.partition = in_a_node ? common.node_size : 0;
}

}  // namespace

options parse(int argc, char** argv) {
  options chosen;
  words text;
  CLI::App app("Measures what mics does on GPUs, each thing beside what NCCL alone does. One process a rank.",
               "mics_gpu");
  declare_common(app, chosen.common, text);
  declare_measurements(app, chosen, text);
  read_command_line(app, argc, argv, [&] { interpret(chosen, text, app); });
  return chosen;
}

}  // namespace gpu
