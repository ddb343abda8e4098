#include "steps.hpp"

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <mics/model/machines.hpp>
#include <mics/model/simulator.hpp>

namespace simulate {
namespace {

namespace model = mics::model;
using json = nlohmann::ordered_json;

model::job job_of(const options& chosen, const std::string& strategy) {
  model::strategy how = model::strategy_named(strategy, chosen.partition);
  if (chosen.prefetch >= 0) how.prefetch = chosen.prefetch;
  if (chosen.flat) how.hierarchical = false;
  if (chosen.pipelined) how.pipelined = true;
  return {.on = model::machine_named(chosen.machine),
          .layers = model::layers_of(chosen.shape),
          .world_size = chosen.gpus,
          .micro_steps = chosen.micro_steps,
          .how = how,
          .spread = chosen.spread};
}

json as_json(const options& chosen, const model::job& job, const model::step_report& step) {
  return {{"strategy", std::string(job.how.name)},
          {"machine", chosen.machine},
          {"gpus", job.world_size},
          {"partition", job.partition_size()},
          {"micro_steps", job.micro_steps},
          {"parameters", model::parameters_of(job.layers)},
          {"step_s", step.step_s},
          {"compute_s", step.compute_s},
          {"gather_s", step.gather_s},
          {"reduce_s", step.reduce_s},
          {"hop2_s", step.hop2_s},
          {"optimizer_s", step.optimizer_s},
          {"exposed_s", step.exposed_s()},
          {"tflops", step.tflops()},
          {"slow_bytes_into_node", step.slow_bytes},
          {"state_bytes", step.memory_bytes}};
}

void print_constants_of(const model::machine& one) {
  std::printf("\n%s, %d GPUs a node\n", one.name.c_str(), one.node_size);
  model::for_each_constant(one, [](const std::string& name, const model::constant& number) {
    std::printf("  %-20s %-12.6g %-9s %s\n", name.c_str(), number.value,
                std::string(model::name_of(number.how)).c_str(), number.source.c_str());
  });
}

void warn_of_memory(const model::job& job, const model::step_report& step) {
  if (step.memory_bytes <= job.on.memory_bytes) return;
  std::printf("# %s: model states of %.1f GB do not fit a GPU of %.0f GB; the time is hypothetical\n",
              std::string(job.how.name).c_str(), step.memory_bytes * 1e-9, job.on.memory_bytes * 1e-9);
}

}  // namespace

void print_steps(const options& chosen) {
  json rows = json::array();
  std::vector<std::pair<model::job, model::step_report>> done;
  for (const std::string& strategy : chosen.strategies) {
    const model::job job = job_of(chosen, strategy);
    done.emplace_back(job, model::simulate(job));
    rows.push_back(as_json(chosen, job, done.back().second));
  }
  print_constants_of(model::machine_named(chosen.machine));
  std::printf("\n%-16s %7s %9s %9s %9s %9s %9s %9s %9s %9s %8s\n", "strategy", "p", "step s", "compute", "gather",
              "reduce", "hop 2", "exposed", "TFLOPS", "GB in", "state GB");
  for (const auto& [job, step] : done) {
    std::printf("%-16s %7d %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f %9.1f %9.1f %8.2f\n", std::string(job.how.name).c_str(),
                job.partition_size(), step.step_s, step.compute_s, step.gather_s, step.reduce_s, step.hop2_s,
                step.exposed_s(), step.tflops(), step.slow_bytes * 1e-9, step.memory_bytes * 1e-9);
  }
  for (const auto& [job, step] : done) warn_of_memory(job, step);
  if (chosen.json.empty()) return;
  std::ofstream file(chosen.json);
  file << json{{"rows", rows}}.dump(1) << '\n';
  file.flush();
  if (!file) throw mics::usage_error("the rows cannot be written to '" + chosen.json + "'");
}

void print_machines() {
  for (const model::machine& each : model::machines()) print_constants_of(each);
}

}  // namespace simulate
