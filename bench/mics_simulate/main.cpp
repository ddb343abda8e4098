#include <cstdio>
#include <exception>

#include "calibration.hpp"
#include "fit.hpp"
#include "options.hpp"
#include "reproduce.hpp"
#include "series.hpp"
#include "steps.hpp"

namespace {

enum exit_code : int { fine = 0, outside_a_band = 1, failed = 3 };

int run(const simulate::options& chosen) {
  if (chosen.machines) {
    simulate::print_machines();
    return fine;
  }
  if (!chosen.reproduce && !chosen.fit && chosen.series.empty()) {
    simulate::print_steps(chosen);
    return fine;
  }
  auto constants = simulate::calibration::load(chosen.calibration);
  if (chosen.fit) {
    constants = simulate::fit_all(constants);
    constants.save(chosen.calibration);
  }
  if (!chosen.series.empty()) simulate::print_series(chosen.series, constants);
  if (!chosen.reproduce) return fine;
  return simulate::reproduce(constants, chosen.json) ? fine : outside_a_band;
}

}  // namespace

int main(int argc, char** argv) {
  const simulate::options chosen = simulate::parse(argc, argv);
  try {
    return run(chosen);
  } catch (const std::exception& problem) {
    std::fflush(stdout);
    std::fprintf(stderr, "mics_simulate: %s\n", problem.what());
    return failed;
  }
}
