// What a call costs beside its bytes, against a bare barrier of the same threads.
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

#include "../mics_perf/barriers.hpp"

namespace {

using seconds = std::chrono::duration<double>;

constexpr int samples = 200;  // fixed: ranks that choose their own number would wait for each other for ever
constexpr int calls_a_sample = 20;

/// Runs `call(world, buffers)` on every rank and hands Google Benchmark the time of the slowest rank of each sample.
template <class Make> void measure(benchmark::State& state, Make make) {
  const int ranks = static_cast<int>(state.range(0));
  const auto n = static_cast<std::size_t>(state.max_iterations);
  std::vector<std::vector<double>> times(static_cast<std::size_t>(ranks), std::vector<double>(n));
  std::barrier start(ranks);
  mics::thread::cluster cluster({.nodes = 1, .node_size = ranks, .checked = false});
  cluster.run([&](mics::thread::communicator& world) {
    auto call = make(world);
    for (double& time : times[static_cast<std::size_t>(world.rank())]) {
      start.arrive_and_wait();
      const auto begin = std::chrono::steady_clock::now();
      for (int i = 0; i < calls_a_sample; ++i) call();
      time = seconds(std::chrono::steady_clock::now() - begin).count() / calls_a_sample;
    }
  });
  std::size_t sample = 0;
  for (auto _ : state) {
    double slowest = 0;
    for (const auto& of_rank : times) slowest = std::max(slowest, of_rank[sample]);
    state.SetIterationTime(slowest);
    ++sample;
  }
}

std::size_t bytes_of(const benchmark::State& state) { return static_cast<std::size_t>(state.range(1)); }

void all_gather(benchmark::State& state) {
  measure(state, [&](auto& world) {
    return [&world, shard = std::vector<std::byte>(bytes_of(state)),
            full = std::vector<std::byte>(bytes_of(state) * static_cast<std::size_t>(world.size()))]() mutable {
      mics::all_gather(world, shard, full);
    };
  });
}

void reduce_scatter(benchmark::State& state) {
  measure(state, [&](auto& world) {
    const std::size_t floats = bytes_of(state) / sizeof(float);
    return [&world, input = std::vector<float>(floats * static_cast<std::size_t>(world.size())),
            shard = std::vector<float>(floats)]() mutable {
      mics::reduce_scatter(world, input, shard, mics::reduction::sum);
    };
  });
}

void all_reduce(benchmark::State& state) {
  measure(state, [&](auto& world) {
    return [&world, data = std::vector<float>(bytes_of(state) / sizeof(float))]() mutable {
      mics::all_reduce(world, data, data, mics::reduction::sum);
    };
  });
}

void barrier(benchmark::State& state) {
  measure(state, [](auto& world) { return [&world] { mics::barrier(world); }; });
}

void std_barrier(benchmark::State& state) {
  std::barrier bare(state.range(0));
  measure(state, [&](auto&) { return [&bare] { bare.arrive_and_wait(); }; });
}

void yielding_barrier(benchmark::State& state) {
  perf::yielding_barrier bare(static_cast<int>(state.range(0)));
  measure(state, [&](auto&) { return [&bare] { bare.arrive_and_wait(); }; });
}

void ranks_and_bytes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"ranks", "shard_bytes"})->Iterations(samples)->UseManualTime();
  for (const int ranks : {2, 4, 8}) {
    for (const int bytes : {8, 1024}) b->Args({ranks, bytes});
  }
}

void ranks_only(benchmark::internal::Benchmark* b) {
  b->ArgName("ranks")->Iterations(samples)->UseManualTime();
  for (const int ranks : {2, 4, 8}) b->Arg(ranks);
}

BENCHMARK(std_barrier)->Apply(ranks_only);
BENCHMARK(yielding_barrier)->Apply(ranks_only);
BENCHMARK(barrier)->Apply(ranks_only);
BENCHMARK(all_gather)->Apply(ranks_and_bytes);
BENCHMARK(reduce_scatter)->Apply(ranks_and_bytes);
BENCHMARK(all_reduce)->Apply(ranks_and_bytes);

}  // namespace
