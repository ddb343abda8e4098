#include "train_check.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>

#include <mics/plan/choice.hpp>
#include <mics/topology.hpp>
#include <mics/training/shard_layout.hpp>

#include "../../examples/train_lm/adamw.hpp"
#include "../../examples/train_lm/default_text.hpp"
#include "../../examples/train_lm/language_model.hpp"
#include "../../examples/train_lm/strategy.hpp"
#include "../../examples/train_lm/text.hpp"
#include "../../examples/train_lm/training_run.hpp"

namespace plan_tool {
namespace {

namespace model = mics::model;

constexpr double goal = 0.15;

/// Cores that this process may use, but no more than there are ranks.
int cores_for(const train_lm::settings& s) {
  cpu_set_t allowed;
  const bool known = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0;
  const int cores = known ? CPU_COUNT(&allowed) : static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(cores, 1, s.world_size());
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// What one rank computes, in seconds.
struct compute {
  std::vector<double> micro_steps{};
  std::vector<double> optimizer_steps{};  ///< over all parameters
  std::vector<double> copies{};           ///< of all parameters: what a gather among one rank is
  std::vector<double> additions{};        ///< of all gradients to a sum
};

using tensors = std::vector<std::vector<float>>;  ///< of all layers

void add(tensors& sums, const tensors& terms) {
  for (std::size_t l = 0; l < sums.size(); ++l) {
    std::transform(sums[l].begin(), sums[l].end(), terms[l].begin(), sums[l].begin(), std::plus<>());
  }
}

template <class F> double seconds_of(F work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The trainer without its communication.
compute compute_alone(const train_lm::settings& s, std::span<const std::uint8_t> text) {
  train_lm::language_model layers(s.shape);
  tensors parameters, gradients, sums;
  std::vector<train_lm::adamw> optimizers;
  for (std::size_t l = 0; l < layers.layers(); ++l) {
    parameters.emplace_back(mics::shard_layout(layers.tensors(l), 1).flat_elements());
    gradients.emplace_back(parameters[l].size());
    optimizers.emplace_back(parameters[l].size(), s.optimizer);
    layers.initialize(l, parameters[l], s.seed);
  }
  compute took;
  for (int step = 0; step < s.steps; ++step) {
    for (int micro_step = 0; micro_step < s.micro_steps; ++micro_step) {
      const train_lm::batch_index index{static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(micro_step), 0};
      took.micro_steps.push_back(seconds_of([&] {
        const auto batch = train_lm::draw_batch(text, s.shape, s.seed, index);
        for (std::size_t l = 0; l < parameters.size(); ++l) layers.forward(l, parameters[l], batch);
        for (std::size_t l = parameters.size(); l-- > 0;) layers.backward(l, parameters[l], batch, gradients[l]);
      }));
    }
    took.optimizer_steps.push_back(seconds_of([&] {
      for (std::size_t l = 0; l < parameters.size(); ++l) optimizers[l].step(parameters[l], gradients[l]);
    }));
    took.copies.push_back(seconds_of([&] { sums = parameters; }));
    took.additions.push_back(seconds_of([&] { add(sums, gradients); }));
  }
  return took;
}

/// Medians over time, while as many ranks compute at once as there are cores: they share caches, memory and power.
struct compute_time {
  double micro_step_s = 0;
  double optimizer_s = 0;
  double copy_s = 0;
  double add_s = 0;
};

compute_time measure_compute(const train_lm::settings& s, std::span<const std::uint8_t> text) {
  std::vector<compute> ranks(static_cast<std::size_t>(cores_for(s)));
  {
    std::vector<std::jthread> threads;
    for (compute& mine : ranks) threads.emplace_back([&mine, &s, text] { mine = compute_alone(s, text); });
  }
  // Gathers make ranks wait for each other: with a core each, the slowest decides; else they share what is left.
  const bool a_core_each = cores_for(s) == s.world_size();
  const auto median_of = [&ranks, a_core_each](std::vector<double> compute::*what) {
    std::vector<double> all;
    for (std::size_t i = 0; i < (ranks.front().*what).size(); ++i) {
      double most = 0, sum = 0;
      for (const compute& each : ranks) {
        most = std::max(most, (each.*what)[i]);
        sum += (each.*what)[i];
      }
      all.push_back(a_core_each ? most : sum / static_cast<double>(ranks.size()));
    }
    return median(all);
  };
  return {median_of(&compute::micro_steps), median_of(&compute::optimizer_steps), median_of(&compute::copies),
          median_of(&compute::additions)};
}

/// The median over the stretches that the trainer reports, without the first step, which meets cold memory.
double measure_step(const train_lm::settings& s, const train_lm::strategy& how, std::span<const std::uint8_t> text) {
  std::vector<double> steps;
  train_lm::train(s, how, text, [&steps](const train_lm::training_result& part, int) {
    steps.push_back(part.seconds / static_cast<double>(part.losses.size()));
  });
  if (steps.size() > 1) steps.erase(steps.begin());
  return median(steps);
}

/// The call as the library will make it, as far as the choice of algorithms depends on it.
double call_s(const model::calibration& fit, mics::operation what, mics::algorithm asked, mics::hierarchy g,
              double bytes, bool in_place) {
  if (g.nodes * g.node_size == 1 || bytes == 0) return 0;
  const mics::group_shape shape{0, g.nodes * g.node_size, g.nodes, g.node_size, {}};
  const mics::plan_request request{.what = what,
                                   .bytes = static_cast<std::size_t>(bytes),
                                   .block_bytes = static_cast<std::size_t>(bytes / shape.size),
                                   .how = asked};
  const mics::plan_choice choice = mics::choose(request, shape, {.direct_reads = true});
  model::collective c{what, choice.how, g, bytes, mics::algorithm::direct};
  c.in_place = in_place;
  if (fit.profile_of(c) == nullptr) {
    std::printf("# no row of %s %s on %d x %d %s: predicted from the links\n", std::string(name_of(what)).c_str(),
                std::string(name_of(choice.how)).c_str(), g.nodes, g.node_size, in_place ? "in place" : "out of place");
  }
  return fit.seconds(c);
}

double predict(const model::calibration& fit, const train_lm::settings& s, const train_lm::strategy& how,
               const compute_time& alone) {
  const int p = how.partition_size, r = s.world_size() / p;
  const auto geometry = mics::topology::uniform(s.world_size(), s.node_size, p);
  const mics::hierarchy partition = geometry.hierarchy_of(0);
  const int apart = std::max(1, s.node_size / p);  // replicas of a shard in one node
  const mics::hierarchy replicas = r / apart > 1 ? mics::hierarchy{r / apart, apart} : mics::hierarchy{1, r};
  double hop_1 = 0, shards = 0;
  const train_lm::language_model layers(s.shape);
  for (std::size_t l = 0; l < layers.layers(); ++l) {
    const mics::shard_layout layout(layers.tensors(l), p);
    const double bytes = static_cast<double>(layout.flat_elements() * sizeof(float));
    hop_1 += 2 * call_s(fit, mics::operation::all_gather, how.hop_1, partition, bytes, false);
    hop_1 += call_s(fit, mics::operation::reduce_scatter, how.hop_1, partition, bytes, false);
    shards += bytes / p;
  }
  const double hop_2 = call_s(fit, mics::operation::all_reduce, how.hop_2, replicas, shards, true);
  const double turns = static_cast<double>(s.world_size()) / cores_for(s);
  // A gather among one rank is a copy, hop 1 a sum; else a micro-step adds a shard. The last sum is divided.
  const double local = p == 1 ? 2 * alone.copy_s + alone.add_s : alone.add_s / p;
  return s.micro_steps * (turns * (alone.micro_step_s + local) + hop_1) + hop_2 +
         turns * (alone.optimizer_s + alone.add_s) / p;
}

train_lm::settings settings_of(const training_options& chosen) {
  train_lm::settings s;
  s.nodes = chosen.nodes;
  s.node_size = chosen.node_size;
  s.micro_steps = chosen.micro_steps;
  s.steps = chosen.steps;
  s.shape.width = static_cast<std::size_t>(chosen.width);
  s.shape.batch = static_cast<std::size_t>(chosen.batch);
  return s;
}

}  // namespace

bool check_training(const model::calibration& fit, const training_options& chosen) {
  const train_lm::settings s = settings_of(chosen);
  const train_lm::text_source text = train_lm::read_text("");
  const compute_time alone = measure_compute(s, text.bytes);
  std::printf("#\n# train_lm on %d x %d ranks, %d cores, %d micro-steps of %zu samples, width %zu\n", s.nodes,
              s.node_size, cores_for(s), s.micro_steps, s.shape.batch, s.shape.width);
  std::printf("# one rank alone: %.3f ms a micro-step, %.3f ms an optimizer step over all parameters\n",
              1e3 * alone.micro_step_s, 1e3 * alone.optimizer_s);
  std::printf("# %-20s %4s %12s %12s %8s\n", "", "p", "measured", "predicted", "error");
  bool met = true;
  for (const train_lm::strategy& how : train_lm::strategies(s)) {
    const double predicted = predict(fit, s, how, alone);
    const double measured = measure_step(s, how, text.bytes);
    const double off = predicted / measured - 1;
    met = met && std::abs(off) <= goal;
    std::printf("  %-20s %4d %9.3f ms %9.3f ms %+6.1f %%\n", how.name.c_str(), how.partition_size, 1e3 * measured,
                1e3 * predicted, 100 * off);
  }
  std::printf("# goal of %.0f %%: %s\n", 100 * goal, met ? "met" : "missed");
  return met;
}

}  // namespace plan_tool
