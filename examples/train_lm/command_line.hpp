#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include <CLI/CLI.hpp>

#include <mics/bootstrap/environment.hpp>
#include <mics/error.hpp>

#include "settings.hpp"
#include "transports.hpp"

namespace train_lm {

namespace detail {

inline std::string divisors_of(int number) {
  std::string text;
  for (int d = 1; d <= number; ++d) {
    if (number % d == 0) text += (text.empty() ? "" : ", ") + std::to_string(d);
  }
  return text;
}

// What no single option can know of itself.
inline void check_together(const settings& s) {
  const int world = s.world_size();
  if (world > 256) {
    throw CLI::ValidationError("--nodes", std::to_string(s.nodes) + " nodes of " + std::to_string(s.node_size) +
                                              " are " + std::to_string(world) + " ranks; at most 256 are allowed here");
  }
  if (world % s.partition_size() != 0) {
    throw CLI::ValidationError("--partition", std::to_string(s.partition_size()) + " does not divide the " +
                                                  std::to_string(world) + " ranks of " + std::to_string(s.nodes) +
                                                  " nodes x " + std::to_string(s.node_size) +
                                                  "; allowed: " + divisors_of(world));
  }
}

// Nodes for ranks that are processes, as far as the command line leaves them open: then `told` share a node.
inline void fit_nodes(const CLI::App& app, settings& s, int ranks, int told) {
  const auto given = [&app](const char* option) { return app.get_option(option)->count() > 0; };
  if (!given("--node-size")) s.node_size = given("--nodes") ? std::max(ranks / s.nodes, 1) : told;
  if (!given("--nodes")) s.nodes = std::max(ranks / s.node_size, 1);
  if (s.world_size() == ranks) return;
  throw CLI::ValidationError("--nodes", std::to_string(s.nodes) + " nodes of " + std::to_string(s.node_size) +
                                            " are not the " + std::to_string(ranks) +
                                            " ranks that were started; allowed: nodes that hold them all evenly");
}

// Where ranks are processes, their launcher tells what the command line leaves open.
inline void take_place(const CLI::App& app, settings& s) {
  mics::bootstrap::environment here;
  try {
    here = mics::bootstrap::read_environment();
  } catch (const mics::error& e) {
    throw CLI::ValidationError("--transport", s.transport + ": " + e.what());
  }
  s.speaks = here.rank == 0;
  fit_nodes(app, s, here.world_size, here.local_size > 0 ? here.local_size : here.world_size);
}

}  // namespace detail

/// Reads the options into `s`. Throws CLI::ParseError, whose message names the option, its value and what is allowed.
inline void parse(CLI::App& app, settings& s, int argc, char** argv) {
  const auto size = [&app](const std::string& name, auto& value, int least, int most, const std::string& what) {
    app.add_option(name, value, what)->check(CLI::Range(least, most))->capture_default_str();
  };
  app.add_option("--text", s.text, "file to learn (default: the project's own headers)")->check(CLI::ExistingFile);
  size("--nodes", s.nodes, 1, 256, "nodes: pretended ones over threads and with --spawn; else as started");
  size("--node-size", s.node_size, 1, 256, "ranks a node");
  size("--partition", s.partition, 0, 256, "ranks that share one replica with MiCS, 0: one node");
  size("--micro-steps", s.micro_steps, 1, 1024, "forward and backward passes before an optimizer step");
  size("--steps", s.steps, 1, 1'000'000, "optimizer steps");
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
  app.add_option("--seed", s.seed, "of start values and samples")
      ->check(CLI::Range(std::uint64_t{0}, largest))
      ->capture_default_str();
  app.add_option("--transport", s.transport, "what moves the bytes")
      ->check(CLI::IsMember(transport_names()))
      ->capture_default_str();
  app.add_option("--spawn", s.spawn, "libfabric: fork so many ranks on this machine, which play the nodes")
      ->check(CLI::Range(1, 256));
  size("--batch", s.shape.batch, 1, 4096, "samples of a micro-batch, a rank");
  size("--layers", s.shape.blocks, 0, 256, "residual blocks");
  size("--width", s.shape.width, 1, 8192, "features between the layers");
  size("--context", s.shape.context, 1, 1024, "bytes seen to guess the next one");
  app.add_option("--json", s.json, "measure what steps take, with and without communication, for mics_plan --train-lm");
  size("--rounds", s.rounds, 1, 1000, "rounds of --json");
  app.add_flag("--alone", s.alone, "also train on one rank alone, to compare");
  app.add_flag("--checked", s.checked, "compare every collective among all ranks before data move");
  app.parse(argc, argv);
  if (!s.json.empty() && s.micro_steps < 2) {
    throw CLI::ValidationError("--micro-steps",
                               "1 does not tell a micro-step from the optimizer; --json needs 2 or more");
  }
  if (s.spawn > 0 && s.transport != "libfabric") {
    throw CLI::ValidationError("--spawn", "ranks are forked with --transport libfabric, not " + s.transport);
  }
  if (s.spawn > 0) {
    detail::fit_nodes(app, s, s.spawn, s.spawn);
  } else if (s.transport != "thread") {
    detail::take_place(app, s);
  }
  detail::check_together(s);
}

}  // namespace train_lm
