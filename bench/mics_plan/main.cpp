#include <cstdio>
#include <exception>
#include <stdexcept>

#include <mics/error.hpp>
#include <mics/model/planner.hpp>

#include "calibrate.hpp"
#include "options.hpp"

namespace {

namespace model = mics::model;

enum exit_code : int { fine = 0, goal_missed = 1, bad_input = 2, nothing_fits = 3 };

void print_head(const model::training_plan& t) {
  const auto& on = t.on;
  std::printf("# %s: %d GPUs on nodes of %d; %.3g parameters in %zu layers; %d micro-steps\n", on.name.c_str(),
              t.world_size, on.node_size, model::parameters_of(t.layers), t.layers.size(), t.micro_steps);
  model::for_each_constant(on, [](const std::string& name, const model::constant& number) {
    std::printf("#   %-20s %-10.4g %-9s %s\n", name.c_str(), number.value, std::string(name_of(number.how)).c_str(),
                number.source.c_str());
  });
  std::printf("# communication %s compute\n", t.overlaps ? "runs beside" : "waits for");
}

void print_candidate(const model::partition_cost& c, bool best) {
  std::printf("%c %7d %6d %4dx%-4d %9.2f %9.2f %9.2f %5s %12.3f %12.3f %10.4g %7.1f %%\n", best ? '>' : ' ',
              c.partition_size, c.replication_size, c.shape.nodes, c.shape.node_size, c.state_bytes / 1e9,
              c.layer_bytes / 1e9, c.memory_bytes / 1e9, c.fits ? "yes" : "no", c.slow_bytes / 1e9, c.fast_bytes / 1e9,
              c.step_s, 100 * c.communication_share());
}

void print_plan(const model::training_plan& t, const std::vector<int>& sizes) {
  print_head(t);
  const auto choice = sizes.empty() ? model::plan_partition(t) : model::plan_partition(t, sizes);
  std::printf("#\n# %7s %6s %9s %9s %9s %9s %5s %12s %12s %10s %9s\n", "p", "r", "nodes", "states", "layers", "memory",
              "fits", "slow links", "fast links", "step", "waiting");
  std::printf("# %7s %6s %9s %9s %9s %9s %5s %12s %12s %10s %9s\n", "", "", "", "(GB)", "(GB)", "(GB)", "",
              "(GB a step,", "one node)", "(s)", "");
  for (const auto& each : choice.candidates) print_candidate(each, &each == &choice.best());
  std::printf("#\n# %s\n", choice.why.c_str());
}

int run(const plan_tool::options& chosen) {
  if (!chosen.calibration.empty()) return plan_tool::calibrate(chosen);
  print_plan(chosen.training, chosen.partition_sizes);
  return fine;
}

int complain(const std::exception& problem, int code) {
  std::fflush(stdout);
  std::fprintf(stderr, "mics_plan: %s\n", problem.what());
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const plan_tool::options chosen = plan_tool::parse(argc, argv);
  try {
    return run(chosen);
  } catch (const mics::topology_error& problem) {
    return complain(problem, bad_input);
  } catch (const mics::usage_error& problem) {
    return complain(problem, chosen.calibration.empty() ? nothing_fits : bad_input);
  } catch (const std::exception& problem) {
    return complain(problem, bad_input);
  }
}
