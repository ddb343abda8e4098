#include <algorithm>
#include <cstdint>

#include <doctest/doctest.h>

#include <mics/model/machines.hpp>
#include <mics/model/simulator.hpp>
#include <mics/model/volume.hpp>

#include "support/random_job.hpp"

namespace model = mics::model;
using doctest::Approx;
using mics::test::dice;

namespace {

model::job small_job(model::strategy how) {
  return {
      .on = model::machine_named("p4d"),
      .layers = model::layers_of({.layers = 4, .hidden = 1024, .vocabulary = 5000, .sequence = 512, .sequences = 2}),
      .world_size = 64,
      .micro_steps = 3,
      .how = how};
}

/// A machine without latencies, whose only limit is the rate that is asked about.
model::job bandwidth_only(model::strategy how) {
  model::job job = small_job(how);
  job.on.fast_latency_s.value = job.on.slow_latency_s.value = job.on.slow_falloff.value = 0;
  job.optimizer_bytes_per_parameter = 0;
  for (auto& each : job.layers) each.forward_flops = each.backward_flops = 0;
  return job;
}

void check_same(const model::step_report& a, const model::step_report& b) {
  CHECK(a.step_s == b.step_s);
  CHECK(a.slow_bytes == b.slow_bytes);
  CHECK(a.memory_bytes == b.memory_bytes);
}

}  // namespace

TEST_CASE("strategies agree where they are the same: p = N is ZeRO-3, p = 1 is data parallelism, r = 1 has no hop 2") {
  for (std::uint64_t i = 0; i < 500; ++i) {
    dice of(i);
    model::job job = mics::test::random_job(of);
    job.how = model::mics_strategy(job.world_size);
    job.how.hierarchical = false;
    const auto whole = model::simulate(job);
    job.how = model::zero3();
    check_same(whole, model::simulate(job));
    job.how = model::hsdp(job.world_size);
    check_same(whole, model::simulate(job));
    job.how = model::mics_strategy(1);
    const auto alone = model::simulate(job);
    job.how = model::data_parallel();
    check_same(alone, model::simulate(job));
  }
}

TEST_CASE("a wire-bound step takes s*3(p-1)/p*M/B_part + 2(r-1)/r*(G/p)/B_repl") {
  for (const int p : {2, 4, 8}) {
    model::job job = bandwidth_only(model::mics_strategy(p));
    const double bytes = 2 * model::parameters_of(job.layers);
    const int r = job.world_size / p;
    const double hop2_rate = job.on.slow_bytes_per_s / p;  // p distinct shards share the NICs of a node
    const double expected =
        3 * 3 * (p - 1.0) / p * bytes / job.on.fast_bytes_per_s + 2 * (r - 1.0) / r * (bytes / p) / hop2_rate;
    CHECK(model::simulate(job).step_s == Approx(expected).epsilon(1e-9));
  }
}

TEST_CASE("bytes into one node: (p-1)/p M flat and (p-k)/p M hierarchical, for 2 gathers and 1 reduce-scatter") {
  for (const int p : {16, 32, 64}) {
    for (const bool hierarchical : {false, true}) {
      model::strategy how = model::mics_strategy(p);
      how.hierarchical = hierarchical;
      model::job job = small_job(how);
      job.world_size = p;
      const double bytes = 2 * model::parameters_of(job.layers);
      const double missing = hierarchical ? p - 8.0 : p - 1.0;
      CHECK(model::simulate(job).slow_bytes == Approx(3 * 3 * missing / p * bytes).epsilon(1e-12));
    }
  }
}

TEST_CASE("hop 2 crosses the network once a step, an all-reduce at every micro-step s times") {
  const auto deferred = model::simulate(small_job(model::mics_strategy(8)));
  const auto each = model::simulate(small_job(model::hsdp(8)));
  CHECK(each.slow_bytes == Approx(3 * deferred.slow_bytes));
  const double shard = 2 * model::parameters_of(small_job(model::mics_strategy(8)).layers) / 8;
  CHECK(deferred.slow_bytes == Approx(8 * 2 * (7.0 / 8) * shard));
}

TEST_CASE("what weak scaling loses is hop 2, when nothing else grows") {
  model::job job = small_job(model::mics_strategy(8));
  job.world_size = 8;
  const auto alone = model::simulate(job);
  job.world_size = 512;
  const auto many = model::simulate(job);
  CHECK(alone.hop2_s == 0);
  CHECK(1 - model::weak_scaling(alone, many) == Approx(many.hop2_s / many.step_s).epsilon(1e-9));
}

TEST_CASE("a pipelined hierarchical collective takes the longer of its stages, another both") {
  const auto on = model::machine_named("p4d");
  const auto group = model::partition_span(32, 8);
  const auto both = model::gather_time(on, group, 1e9, {.hierarchical = true, .pipelined = false});
  const auto piped = model::gather_time(on, group, 1e9, {.hierarchical = true, .pipelined = true});
  CHECK(both.total() == Approx(both.latency_s + both.slow_s + both.fast_s));
  CHECK(piped.total() == Approx(both.latency_s + std::max(both.slow_s, both.fast_s)));
}

TEST_CASE("model states: 16 bytes a parameter over p; ZeRO-2 keeps its parameters whole") {
  const double parameters = model::parameters_of(small_job(model::mics_strategy(8)).layers);
  CHECK(model::simulate(small_job(model::mics_strategy(8))).memory_bytes == Approx(2 * parameters));
  CHECK(model::simulate(small_job(model::zero3())).memory_bytes == Approx(parameters / 4));
  CHECK(model::simulate(small_job(model::data_parallel())).memory_bytes == Approx(16 * parameters));
  CHECK(model::simulate(small_job(model::zero2())).memory_bytes == Approx(2 * parameters + 14 * parameters / 64));
}

TEST_CASE("jitter and stragglers cost time, and jitter more in larger groups") {
  model::job job = small_job(model::zero3());
  const auto calm = model::simulate(job);
  job.spread.straggler = 2;
  CHECK(model::simulate(job).compute_s == Approx(2 * calm.compute_s));
  job.spread = {.jitter = 0.05};
  CHECK(model::simulate(job).step_s > calm.step_s);
  const auto compute_of = [&](int ranks) {
    job.world_size = ranks;
    return model::simulate(job).compute_s;
  };
  CHECK(compute_of(8) < compute_of(64));
  CHECK(compute_of(64) < compute_of(4096));
}

TEST_CASE("worlds of 100,000 GPUs are simulated") {
  model::job job = small_job(model::mics_strategy(400));
  job.world_size = 100000;
  const auto step = model::simulate(job);
  CHECK(step.hop2_s > 0);
  CHECK(step.step_s <= step.sum_s());
}
