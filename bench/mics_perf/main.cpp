#include <cstdio>
#include <exception>

#include "goals.hpp"
#include "json.hpp"
#include "launcher.hpp"
#include "machine.hpp"
#include "options.hpp"
#include "report.hpp"
#include "run.hpp"

namespace {

enum exit_code : int { fine = 0, wrong_elements = 1, failed = 3 };

int measure(const perf::options& chosen, const perf::context& facts) {
  for (const auto& [name, value] : facts) std::printf("# %s: %s\n", name.c_str(), value.c_str());
  std::printf("# %d nodes of %d ranks, partition groups of %d\n", chosen.nodes, chosen.node_size,
              chosen.partition_size());
  return perf::with_launcher(chosen, [&](auto& launcher) -> int {
    perf::report result(chosen, launcher.name());
    perf::run(launcher, chosen, result);
    if (chosen.baseline) perf::print_goals(result.rows());
    if (!chosen.json.empty()) perf::write_json(chosen.json, facts, result.rows());
    if (!chosen.check) return fine;
    std::printf("#\n# wrong elements: %llu\n", static_cast<unsigned long long>(result.wrong()));
    return result.wrong() == 0 ? fine : wrong_elements;
  });
}

}  // namespace

int main(int argc, char** argv) {
  const perf::options chosen = perf::parse(argc, argv);
  try {
    return measure(chosen, perf::describe_run(chosen, argc, argv));
  } catch (const std::exception& problem) {
    std::fflush(stdout);
    std::fprintf(stderr, "mics_perf: %s\n", problem.what());
    return failed;
  }
}
