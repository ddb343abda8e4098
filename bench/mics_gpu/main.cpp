#include <cstdio>
#include <exception>
#include <map>

#include "../common/gpu_facts.hpp"
#include "../mics_perf/json.hpp"
#include "../mics_perf/machine.hpp"
#include "measurements.hpp"
#include "options.hpp"

namespace {

enum exit_code : int { fine = 0, wrong_elements = 1, failed = 3 };

int measure(const gpu::options& chosen, perf::context facts) {
  static const std::map<std::string, void (*)(gpu::workbench&)> known{{"coalesced", gpu::measure_coalesced},
                                                                      {"two_hop", gpu::measure_two_hop},
                                                                      {"node", gpu::measure_node},
                                                                      {"host_time", gpu::measure_host_time},
                                                                      {"overlap", gpu::measure_overlap}};
  gpu_rank here(chosen.common.node_size, chosen.common.timeout);
  for (auto& fact : gpu_facts(here)) facts.push_back(std::move(fact));
  gpu::report rows(chosen.common.speaks);
  for (const auto& [name, value] : facts) rows.say(name + ": " + value);
  gpu::workbench on(here, chosen, rows);
  known.at(chosen.what)(on);
  if (!chosen.common.speaks) return fine;
  if (!chosen.common.json.empty()) perf::write_json(chosen.common.json, facts, rows.rows());
  if (!chosen.common.check) return fine;
  rows.say("wrong elements: " + std::to_string(rows.wrong()));
  return rows.wrong() == 0 ? fine : wrong_elements;
}

}  // namespace

int main(int argc, char** argv) {
  const gpu::options chosen = gpu::parse(argc, argv);
  try {
    return measure(chosen, perf::describe_run("mics_gpu", chosen.common, argc, argv));
  } catch (const std::exception& problem) {
    std::fflush(stdout);
    std::fprintf(stderr, "mics_gpu: %s\n", problem.what());
    return failed;
  }
}
