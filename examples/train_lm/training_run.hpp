#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <mics/mics.hpp>

#include "link_bytes.hpp"
#include "settings.hpp"
#include "sharded_trainer.hpp"
#include "strategy.hpp"
#include "transports.hpp"

namespace train_lm {

/// What a run, or the part of it since the last report, has done.
struct training_result {
  std::vector<double> losses{};    ///< a step: the mean over all micro-batches of all ranks
  link_bytes moved{};              ///< by all steps together
  double seconds = 0;              ///< of all steps together
  std::size_t state_bytes = 0;     ///< parameters, gradients and moments that a rank keeps
  std::vector<step_call> calls{};  ///< of a step
};

/// Called on rank 0 a few times in a run, with what was done since the last call and the number of steps until now.
using progress = std::function<void(const training_result& since_last, int steps_done)>;

/// Trains in one way from the start values on; returns what this process saw, rank 0 where its ranks are threads.
using training = std::function<training_result(const strategy&, const progress&)>;

namespace detail {

inline void append(training_result& all, const training_result& part) {
  all.losses.insert(all.losses.end(), part.losses.begin(), part.losses.end());
  all.moved.add({.into_node = std::vector<std::uint64_t>(part.moved.into_node.size())}, part.moved);
  all.seconds += part.seconds;
  all.state_bytes = part.state_bytes;
  all.calls = part.calls;
}

// Trains in `world`. Barriers of all ranks keep the training apart from the readings and from the exchange of losses.
template <class World, class Rank, class... Stream>
training_result train_in(const World& world, Rank& here, const settings& s, const strategy& how,
                         std::span<const std::uint8_t> text, const progress& report, Stream... stream) {
  auto groups = mics::groups(world, {.node_size = s.node_size, .partition_size = how.partition_size});
  sharded_trainer trainer(groups, how, s, text, here);
  trainer.rehearse(stream...);
  training_result all;
  const int steps_a_report = std::max(1, s.steps / 5);
  for (int done = 0; done < s.steps;) {
    training_result part;
    part.state_bytes = trainer.state_bytes();
    part.calls = trainer.calls();
    // The first step is reported on its own, for its loss.
    const int next = done == 0 ? 1 : std::min(s.steps, (done / steps_a_report + 1) * steps_a_report);
    here.barrier();
    const link_bytes before = here.moved();
    here.barrier();
    const auto start = std::chrono::steady_clock::now();
    for (; done < next; ++done) part.losses.push_back(trainer.step(static_cast<std::uint64_t>(done), stream...));
    here.barrier();
    part.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if constexpr (Rank::counts_bytes) {
      part.moved.add(before, here.moved());
    } else {
      part.moved = trainer.planned_step().times(part.losses.size());
    }
    here.barrier();
    here.average(part.losses);
    append(all, part);
    if (here.world().rank() == 0) report(part, done);
  }
  return all;
}

// The same on every rank.
template <class Rank, class... Stream>
training_result train_rank(Rank& here, settings s, const strategy& how, std::span<const std::uint8_t> text,
                           const progress& report, Stream... stream) {
  if (how.micro_steps > 0) s.micro_steps = how.micro_steps;
  if (!how.alone) return train_in(here.world(), here, s, how, text, report, stream...);
  s.nodes = s.node_size = 1;
  const auto self = here.world().split(here.world().rank(), 0, "alone");
  return train_in(self, here, s, how, text, report, stream...);
}

}  // namespace detail

/// Trains in one way from the start values on, over threads; returns what rank 0 saw.
inline training_result train(const settings& s, const strategy& how, std::span<const std::uint8_t> text,
                             const progress& report) {
  training_result result;
  run_threads(s, [&](thread_rank& here) {
    auto mine = detail::train_rank(here, s, how, text, report);
    if (here.world().rank() == 0) result = std::move(mine);
  });
  return result;
}

}  // namespace train_lm
