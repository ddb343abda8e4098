#include <cmath>

#include <doctest/doctest.h>

#include <mics/model/collective_time.hpp>
#include <mics/model/machines.hpp>
#include <mics/model/simulator.hpp>
#include <mics/model/two_hop.hpp>

namespace model = mics::model;
using doctest::Approx;

namespace {

/// 20 GB of gradients on 64 GPUs in nodes of 8, 120 GB/s in the node, 8 GB/s a node, s micro-steps, bandwidth only.
model::step_report synchronize(int s, model::strategy how) {
  model::machine on = model::machine_named("p4de");
  on.fast_bytes_per_s.value = 120e9;
  on.slow_bytes_per_s.value = 8e9;
  on.fast_latency_s.value = on.slow_latency_s.value = on.slow_falloff.value = 0;
  return model::simulate({.on = on, .layers = {{10e9, 0, 0, 1}}, .world_size = 64, .micro_steps = s, .how = how});
}

/// How much cheaper hop 1 at every micro-step and one hop 2 are than an all-reduce over everyone at every micro-step.
double two_hop_gain(int s) {
  model::strategy everyone = model::data_parallel();
  everyone.hop2 = model::second_hop::every_micro_step;
  const auto two_hop = synchronize(s, model::mics_strategy(8));
  return synchronize(s, everyone).hop2_s / (two_hop.reduce_s + two_hop.hop2_s);
}

}  // namespace

TEST_CASE("two-hop against an all-reduce at every micro-step: 1.09, 3.97, 7.11 and 11.7 times cheaper") {
  CHECK(two_hop_gain(1) == Approx(1.09).epsilon(0.005));
  CHECK(two_hop_gain(4) == Approx(3.97).epsilon(0.001));
  CHECK(two_hop_gain(8) == Approx(7.11).epsilon(0.001));
  CHECK(two_hop_gain(16) == Approx(11.7).epsilon(0.005));
}

TEST_CASE("the simulator's communication is that of the closed form") {
  for (const int s : {1, 3}) {
    const model::two_hop_case closed{.bytes = 20e9,
                                     .world_size = 64,
                                     .partition_size = 8,
                                     .micro_steps = static_cast<double>(s),
                                     .partition_bytes_per_s = 120e9,
                                     .replication_bytes_per_s = 8e9 / 8};
    const auto step = synchronize(s, model::mics_strategy(8));
    CHECK(step.gather_s + step.reduce_s + step.hop2_s == Approx(model::mics_step_s(closed)));
    CHECK(step.reduce_s + step.hop2_s == Approx(model::two_hop_s(closed)));
  }
}

TEST_CASE("ring steps: p-1 flat, (n-1) + (k-1) hierarchical") {
  const auto on = model::machine_named("p4d");
  const auto flat = model::gather_time(on, model::partition_span(64, 8), 1, {.hierarchical = false});
  const auto staged = model::gather_time(on, model::partition_span(64, 8), 1, {.hierarchical = true});
  CHECK(flat.latency_s == Approx(63 * on.slow_latency_s));
  CHECK(staged.latency_s == Approx(7 * on.slow_latency_s + 7 * on.fast_latency_s));
}

TEST_CASE("without overlap, hierarchical wins on bandwidth only if B_intra/B_node > n") {
  model::machine on = model::machine_named("p4d");
  on.slow_latency_s.value = on.fast_latency_s.value = on.slow_falloff.value = 0;
  for (const int n : {2, 4, 16}) {
    const auto group = model::partition_span(8 * n, 8);
    for (const double ratio : {0.99 * n, 1.01 * n}) {
      on.fast_bytes_per_s.value = ratio * on.slow_bytes_per_s.value;
      const double flat = model::gather_time(on, group, 1e9, {.hierarchical = false}).total();
      CHECK((model::gather_time(on, group, 1e9, {.hierarchical = true}).total() < flat) == (ratio > n));
      CHECK(model::gather_time(on, group, 1e9, {.hierarchical = true, .pipelined = true}).total() < flat);
    }
  }
}

TEST_CASE("the best speed-up at large M is (p-1)/(p-k)") {
  model::machine on = model::machine_named("p4d");
  const auto group = model::partition_span(16, 8);
  const double flat = model::gather_time(on, group, 1e15, {.hierarchical = false}).total();
  CHECK(flat / model::gather_time(on, group, 1e15, {.hierarchical = true, .pipelined = true}).total() ==
        Approx(15.0 / 8).epsilon(1e-4));
}

TEST_CASE("FLOPs with recomputation: 96 B s l h^2 (1 + s/6h + V/16lh), about 8 a parameter and token") {
  const model::transformer gpt{.layers = 96, .hidden = 12288, .vocabulary = 51200, .sequence = 2048, .sequences = 1};
  const auto layers = model::layers_of(gpt);
  const double l = 96, h = 12288, s = 2048, v = 51200;
  CHECK(model::flops_of(layers) == Approx(96 * s * l * h * h * (1 + s / (6 * h) + v / (16 * l * h))).epsilon(1e-9));
  CHECK(model::flops_of(layers) / (8 * model::parameters_of(layers) * s) == Approx(1).epsilon(0.05));
  CHECK(model::parameters_of(layers) == Approx(175e9).epsilon(0.01));
}

TEST_CASE("a node's bandwidth falls with the nodes of a ring, from the knee on") {
  const auto on = model::machine_named("p4d");
  CHECK(on.slow(2).bytes_per_s == on.slow(4).bytes_per_s);
  CHECK(on.slow(16).bytes_per_s == Approx(31e9 * std::pow(4.0 / 16, on.slow_falloff.value)));
}
