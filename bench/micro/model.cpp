// What it costs to ask the model, the planner, and a group for a plan that it has already.
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include <mics/mics.hpp>
#include <mics/model/calibration.hpp>
#include <mics/model/machines.hpp>
#include <mics/model/planner.hpp>
#include <mics/transport/thread.hpp>

namespace {

namespace model = mics::model;

constexpr model::link_classes some_links{.fast = {3e-6, 230e9}, .slow = {20e-6, 40e9}};

/// One closed form: a hierarchical all-gather over 16 nodes of 8.
void ask_cost(benchmark::State& state) {
  model::collective call{mics::operation::all_gather, mics::algorithm::hierarchical, {16, 8}, 1e9};
  for (auto _ : state) {
    benchmark::DoNotOptimize(call);
    benchmark::DoNotOptimize(model::cost_of(call, some_links, 8));
  }
}
BENCHMARK(ask_cost);

/// The one closed form that is none: recursive doubling counts its messages.
void ask_cost_of_doubling(benchmark::State& state) {
  model::collective call{mics::operation::all_reduce, mics::algorithm::doubling, {16, 8}, 1e9};
  for (auto _ : state) {
    benchmark::DoNotOptimize(call);
    benchmark::DoNotOptimize(model::cost_of(call, some_links));
  }
}
BENCHMARK(ask_cost_of_doubling);

/// Every partition size of a 100B model; the argument is the number of GPUs.
void plan_partition(benchmark::State& state) {
  const model::training_plan training{.on = model::machine_named("p4de"),
                                      .layers = model::equal_layers(100e9, 80, 8192),
                                      .world_size = static_cast<int>(state.range(0)),
                                      .micro_steps = 4,
                                      .activation_bytes = 10e9};
  for (auto _ : state) benchmark::DoNotOptimize(model::plan_partition(training));
}
BENCHMARK(plan_partition)->Arg(512)->Arg(1 << 17)->Unit(benchmark::kMicrosecond);

/// The fit of a file of mics_perf with 17 sizes of 6 algorithms.
void calibrate(benchmark::State& state) {
  std::vector<model::sample> samples;
  for (const auto what : {mics::operation::all_gather, mics::operation::reduce_scatter, mics::operation::all_reduce}) {
    for (const auto how : {mics::algorithm::ring, mics::algorithm::hierarchical}) {
      for (double bytes = 1024; bytes <= 1 << 26; bytes *= 2) {
        const model::collective call{what, how, {2, 4}, bytes};
        samples.push_back({call, model::cost_of(call, some_links).total(), 1});
      }
    }
  }
  for (auto _ : state) benchmark::DoNotOptimize(model::calibration::fit(samples));
}
BENCHMARK(calibrate)->Unit(benchmark::kMillisecond);

/// A plan that its group has made before, on the thread transport; the argument is the number of kinds it knows.
/// Goal: under 50 ns.
void find_cached_plan(benchmark::State& state) {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 1});
  cluster.run([&](mics::thread::communicator& world) {
    using enum mics::operation;
    for (const auto what : {barrier, broadcast, all_reduce, reduce_scatter}) {
      if (what != reduce_scatter || state.range(0) > 1) static_cast<void>(mics::plan_for(world, what, 1));
      if (state.range(0) == 1) break;
    }
    std::size_t bytes = std::size_t{1} << 20;
    static_cast<void>(mics::plan_for(world, all_gather, bytes));
    for (auto _ : state) {
      benchmark::DoNotOptimize(bytes);
      benchmark::DoNotOptimize(mics::plan_for(world, all_gather, bytes));
    }
  });
}
BENCHMARK(find_cached_plan)->Arg(1)->Arg(5);

}  // namespace
