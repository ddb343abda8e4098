#pragma once

#include <cmath>
#include <string>

#include <mics/model/simulator.hpp>

#include "random.hpp"

namespace mics::test {

/// Between `low` and `high`, spread evenly over the orders of magnitude.
inline double magnitude(dice& of, double low, double high) {
  return low * std::pow(high / low, static_cast<double>(of.roll(10001)) / 10000);
}

inline model::machine random_machine(dice& of) {
  const auto number = [&of](double low, double high) {
    return model::constant{magnitude(of, low, high), model::provenance::assumed, "drawn"};
  };
  model::machine on{.name = "drawn", .node_size = of.between(1, 8)};
  model::for_each_constant(on, [&](const std::string&, model::constant& each) { each = number(1e9, 1e12); });
  on.memory_bytes = number(1e11, 1e12);
  on.peak_flops = number(1e12, 1e15);
  on.compute_share = number(0.1, 1);
  on.fast_latency_s = number(1e-7, 1e-4);
  on.slow_latency_s = number(1e-7, 1e-3);
  on.slow_knee_nodes = number(1, 10);
  on.slow_falloff = number(0.01, 0.5);
  on.copy_latency_s = number(1e-7, 1e-5);
  return on;
}

/// Any strategy, on any machine, with layers that differ.
inline model::job random_job(dice& of) {
  model::job job{.on = random_machine(of), .micro_steps = of.between(1, 4)};
  for (int i = of.between(1, 8); i > 0; --i) {
    job.layers.push_back({magnitude(of, 1e5, 1e9), of.one_in(5) ? 0 : magnitude(of, 1e9, 1e14),
                          of.one_in(5) ? 0 : magnitude(of, 1e9, 1e14), of.between(1, 6)});
  }
  const int p = of.between(1, 24);
  job.world_size = p * of.between(1, 24);
  constexpr const char* names[] = {"mics", "zero3", "zero3_deepspeed", "zero2", "data_parallel", "hsdp"};
  job.how = model::strategy_named(names[of.roll(6)], p);
  job.how.prefetch = of.between(0, 4);
  job.how.hierarchical = of.one_in(2);
  job.how.pipelined = of.one_in(2);
  job.how.coalesced = of.one_in(2);
  if (of.one_in(3)) job.spread = {0.1, 1.5, of.roll(1000)};
  return job;
}

}  // namespace mics::test
