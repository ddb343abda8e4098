#include "options.hpp"

#include <exception>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

#include <mics/error.hpp>
#include <mics/model/machines.hpp>

#include "../common/command_line.hpp"

namespace plan_tool {
namespace {

/// What the command line says in words or in other units.
struct words {
  std::string machine = "p4d", parameters;
  int nodes = 1, layers = 0, hidden = 0, vocabulary = 51200, sequence = 2048, sequences = 1;
  std::optional<int> node_size;
  std::optional<double> memory_gb, fast_gb_s, slow_gb_s, peak_tflops;
  double activations_gb = 0, reserved_gb = 0;
  bool serial = false;
};

/// "350M", "10B", "1.5T": a number of parameters.
double count_of(const std::string& text) {
  std::size_t read = 0;
  double value = 0;
  try {
    value = std::stod(text, &read);
  } catch (const std::exception&) {
    read = 0;
  }
  const std::string unit = text.substr(read);
  const double scale = unit == "K"                  ? 1e3
                       : unit == "M"                ? 1e6
                       : unit == "B" || unit == "G" ? 1e9
                       : unit == "T"                ? 1e12
                                                    : 1;
  if (read == 0 || !(value > 0) || (scale == 1 && !unit.empty())) {
    throw std::invalid_argument("--parameters is '" + text +
                                "'; allowed: a number above 0, with K, M, B or T behind it");
  }
  return value * scale;
}

void declare(CLI::App& app, options& to, words& text) {
  auto& t = to.training;
  const auto add = [&app](const char* name, auto& value, const char* what) {
    app.add_option(name, value, what)->capture_default_str();
  };
  add("--machine", text.machine, "a machine of mics/model/machines.hpp");
  add("--nodes", text.nodes, "nodes");
  app.add_option("--node-size", text.node_size, "GPUs a node (default: the machine's)");
  app.add_option("--memory", text.memory_gb, "GB of a GPU (default: the machine's)");
  app.add_option("--fast", text.fast_gb_s, "GB/s into a GPU from its node (default: the machine's)");
  app.add_option("--slow", text.slow_gb_s, "GB/s into a node over its network (default: the machine's)");
  app.add_option("--peak", text.peak_tflops, "TFLOP/s of a GPU (default: the machine's)");
  app.add_option("--parameters", text.parameters, "of the model, in layers of equal size: 350M, 10B, 1T");
  add("--layers", text.layers, "layers; 0 with --parameters: 48");
  add("--hidden", text.hidden, "width of a GPT-like model (instead of --parameters)");
  add("--vocabulary", text.vocabulary, "its vocabulary");
  add("--sequence", text.sequence, "tokens of a sequence");
  add("--sequences", text.sequences, "sequences of a micro-step and GPU");
  add("--micro-steps", t.micro_steps, "forward and backward passes a step");
  add("--activations", text.activations_gb, "GB of activations a GPU, at the peak of a micro-step");
  add("--reserved", text.reserved_gb, "GB a GPU that libraries and fragmentation keep");
  add("--bytes", t.bytes_per_parameter, "bytes a parameter on the wire and in whole layers");
  add("--state-bytes", t.state_bytes_per_parameter, "bytes a parameter of all model states");
  add("--prefetch", t.prefetch, "layers that are gathered ahead");
  app.add_option("--partition", to.partition_sizes, "partition sizes, by commas (default: all that lie evenly)")
      ->delimiter(',');
  app.add_flag("--serial", text.serial, "communication does not run beside compute");
  app.add_option("--calibrate", to.calibration,
                 "files that mics_perf wrote with --json, by commas: fit their rows and print how well")
      ->delimiter(',');
  app.add_flag(
      "--check", to.check,
      "with --calibrate: exit code 1 when a goal is missed: a median error of 10 % at every size, 15 % for --train-lm");
  app.add_flag("--rows", to.rows, "with --calibrate: every row, predicted and measured");
  app.add_option("--only", to.only, "with --calibrate: contenders whose rows count, by commas (default: all of mics)")
      ->delimiter(',');
  app.add_option("--json", to.json, "with --calibrate: writes everything, measured and predicted, to this file");
  app.add_option(
         "--train-lm", to.train_lm,
         "with --calibrate: files that train_lm wrote with --json, by commas; step times, predicted and measured")
      ->delimiter(',');
  app.add_option(
         "--burst", to.burst_bytes,
         "with --train-lm: bytes that the network lets pass at once after a pause, with K or M, as a lab's does")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::NonNegativeNumber);
}

void describe_machine(mics::model::machine& on, const words& text) {
  using mics::model::provenance;
  const auto replace = [](mics::model::constant& of, const std::optional<double>& given, double unit) {
    if (given) of = {*given * unit, provenance::assumed, "the command line"};
  };
  on = mics::model::machine_named(text.machine);
  if (text.node_size) on.node_size = *text.node_size;
  replace(on.memory_bytes, text.memory_gb, 1e9);
  replace(on.fast_bytes_per_s, text.fast_gb_s, 1e9);
  replace(on.slow_bytes_per_s, text.slow_gb_s, 1e9);
  replace(on.peak_flops, text.peak_tflops, 1e12);
}

void interpret(options& to, const words& text) {
  if (to.burst_bytes != 0 && to.train_lm.empty()) throw std::invalid_argument("--burst needs --train-lm FILE");
  if (!to.calibration.empty()) return;
  if (to.check || to.rows || !to.only.empty() || !to.json.empty() || !to.train_lm.empty()) {
    throw std::invalid_argument("--check, --rows, --only, --json and --train-lm need --calibrate FILE");
  }
  auto& t = to.training;
  describe_machine(t.on, text);
  if (text.nodes < 1) throw std::invalid_argument("--nodes is " + std::to_string(text.nodes) + "; allowed: 1 or more");
  t.world_size = text.nodes * t.on.node_size;
  t.activation_bytes = text.activations_gb * 1e9;
  t.reserved_bytes = text.reserved_gb * 1e9;
  t.overlaps = !text.serial;
  if (text.parameters.empty() == (text.hidden == 0)) {
    throw std::invalid_argument("say the model by --parameters or by --hidden and --layers, one of the two");
  }
  constexpr int usual_layers = 48;
  if (text.hidden != 0) {
    t.layers = mics::model::layers_of({text.layers, text.hidden, text.vocabulary, text.sequence, text.sequences});
  } else {
    const double tokens = static_cast<double>(text.sequence) * text.sequences;
    t.layers =
        mics::model::equal_layers(count_of(text.parameters), text.layers == 0 ? usual_layers : text.layers, tokens);
  }
  mics::model::check(t);
}

}  // namespace

options parse(int argc, char** argv) {
  options chosen;
  words text;
  CLI::App app("Chooses the partition size of a training before it starts, or fits the cost model to measurements.",
               "mics_plan");
  declare(app, chosen, text);
  read_command_line(app, argc, argv, [&] { interpret(chosen, text); });
  return chosen;
}

}  // namespace plan_tool
