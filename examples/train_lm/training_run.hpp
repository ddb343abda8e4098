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
  std::vector<double> losses{};  ///< a step: the mean over all micro-batches of all ranks
  link_bytes moved{};            ///< by all steps together
  double seconds = 0;            ///< of all steps together
  std::size_t state_bytes = 0;   ///< parameters, gradients and moments that a rank keeps
};

/// Called on rank 0 a few times in a run, with what was done since the last call and the number of steps until now.
using progress = std::function<void(const training_result& since_last, int steps_done)>;

namespace detail {

inline void append(training_result& all, const training_result& part) {
  all.losses.insert(all.losses.end(), part.losses.begin(), part.losses.end());
  all.moved.add({.into_node = std::vector<std::uint64_t>(part.moved.into_node.size())}, part.moved);
  all.seconds += part.seconds;
  all.state_bytes = part.state_bytes;
}

// The same on every rank. Barriers keep the training apart from the readings and from the exchange of losses.
template <class World, class Meter>
training_result train_rank(World& world, const Meter& meter, const settings& s, const strategy& how,
                           std::span<const std::uint8_t> text, const progress& report) {
  auto groups = mics::groups(world, {.node_size = s.node_size, .partition_size = how.partition_size});
  sharded_trainer trainer(groups, how, s, text);
  training_result all;
  const int steps_a_report = std::max(1, s.steps / 5);
  for (int done = 0; done < s.steps;) {
    training_result part{.state_bytes = trainer.state_bytes()};
    // The first step is reported on its own, for its loss.
    const int next = done == 0 ? 1 : std::min(s.steps, (done / steps_a_report + 1) * steps_a_report);
    mics::barrier(world);
    const auto before = meter();
    mics::barrier(world);
    const auto start = std::chrono::steady_clock::now();
    for (; done < next; ++done) part.losses.push_back(trainer.step(static_cast<std::uint64_t>(done)));
    mics::barrier(world);
    part.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    part.moved.add(before, meter());
    mics::barrier(world);
    mics::all_reduce(world, part.losses, part.losses, mics::reduction::avg);
    append(all, part);
    if (world.rank() == 0) report(part, done);
  }
  return all;
}

}  // namespace detail

/// Trains in one way from the start values on; returns what rank 0 saw.
inline training_result train(const settings& s, const strategy& how, std::span<const std::uint8_t> text,
                             const progress& report) {
  training_result result;
  run_ranks(s, [&](auto& world, const auto& meter) {
    auto mine = detail::train_rank(world, meter, s, how, text, report);
    if (world.rank() == 0) result = std::move(mine);
  });
  return result;
}

}  // namespace train_lm
