#include <cstdio>
#include <exception>

#include "machine.hpp"
#include "options.hpp"
#include "transports.hpp"

int main(int argc, char** argv) {
  const perf::options chosen = perf::parse(argc, argv);
  try {
    const perf::context facts = perf::describe_run("mics_perf", chosen, argc, argv);
    switch (chosen.transport) {
      case perf::transport::thread:
        return perf::over_threads(chosen, facts);
      case perf::transport::nccl:
        return perf::over_nccl(chosen, facts);
      case perf::transport::libfabric:
        return perf::over_libfabric(chosen, facts);
    }
  } catch (const std::exception& problem) {
    std::fflush(stdout);
    std::fprintf(stderr, "mics_perf: %s\n", problem.what());
  }
  return perf::failed;
}
