// What a simulated training step costs, on one core: goals are 0.2 s for 512 GPUs x 100 layers, 2 s for 100,000 GPUs.
#include <benchmark/benchmark.h>

#include <mics/model/machines.hpp>
#include <mics/model/simulator.hpp>

namespace {

namespace model = mics::model;

void simulate(benchmark::State& state, int gpus, const model::strategy& how, double jitter) {
  const model::job job{.on = model::machine_named("p5e"),
                       .layers = model::layers_of(
                           {.layers = 100, .hidden = 10240, .vocabulary = 51200, .sequence = 2048, .sequences = 4}),
                       .world_size = gpus,
                       .micro_steps = 16,
                       .how = how,
                       .spread = {.jitter = jitter}};
  for (auto _ : state) benchmark::DoNotOptimize(model::simulate(job).step_s);
}

}  // namespace

BENCHMARK_CAPTURE(simulate, mics_512, 512, model::mics_strategy(128), 0.0)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(simulate, zero3_512, 512, model::zero3(), 0.0)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(simulate, mics_100000, 100000, model::mics_strategy(400), 0.0)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(simulate, mics_100000_jitter, 100000, model::mics_strategy(400), 0.02)->Unit(benchmark::kMicrosecond);
