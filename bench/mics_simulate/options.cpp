#include "options.hpp"

#include <CLI/CLI.hpp>

#include "../common/command_line.hpp"
#include "series.hpp"

namespace simulate {
namespace {

void declare_modes(CLI::App& app, options& to) {
  app.add_flag("--reproduce", to.reproduce, "every published figure beside its simulation");
  app.add_flag("--fit", to.fit, "fit the constants labelled fitted first, and write them to the calibration file");
  app.add_flag("--machines", to.machines, "the machines, every constant with its label and source");
  app.add_option("--series", to.series, "the numbers behind a picture, tab-separated")
      ->check(CLI::IsMember(series_names()));
  app.add_option("--calibration", to.calibration, "constants of --reproduce and --fit")->capture_default_str();
  app.add_option("--json", to.json, "write the rows to this file");
}

void declare_job(CLI::App& app, options& to) {
  app.add_option("--machine", to.machine, "p3dn, p4d, p4de, p5, p5e, dgx_h100, ethernet_100g, host_lab, gpu_lab")
      ->capture_default_str();
  app.add_option("--strategy", to.strategies, "mics, zero3, zero3_deepspeed, zero2, data_parallel, hsdp; by commas")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--gpus", to.gpus, "world size N")->capture_default_str();
  app.add_option("--partition", to.partition, "partition size p of mics and hsdp")->capture_default_str();
  app.add_option("--micro-steps", to.micro_steps, "micro-steps a step")->capture_default_str();
  app.add_option("--prefetch", to.prefetch, "layers gathered ahead (default: the strategy's)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--flat", to.flat, "flat rings instead of hierarchical collectives");
  app.add_flag("--pipelined", to.pipelined, "the stages of hierarchical collectives overlap");
  app.add_option("--layers", to.shape.layers, "transformer blocks")->capture_default_str();
  app.add_option("--hidden", to.shape.hidden, "width")->capture_default_str();
  app.add_option("--vocabulary", to.shape.vocabulary, "tokens known")->capture_default_str();
  app.add_option("--sequence", to.shape.sequence, "tokens of a sequence")->capture_default_str();
  app.add_option("--sequences", to.shape.sequences, "sequences of a micro-step and GPU")->capture_default_str();
  app.add_option("--jitter", to.spread.jitter, "mean extra share of every task of every rank")->capture_default_str();
  app.add_option("--straggler", to.spread.straggler, "one rank computes so many times slower")->capture_default_str();
  app.add_option("--seed", to.spread.seed, "of the jitter")->capture_default_str();
}

}  // namespace

options parse(int argc, char** argv) {
  CLI::App app("Simulates training steps; a model, consistent with published figures, not a measurement",
               "mics_simulate");
  options chosen;
  declare_modes(app, chosen);
  declare_job(app, chosen);
  read_command_line(app, argc, argv, [] {});
  return chosen;
}

}  // namespace simulate
