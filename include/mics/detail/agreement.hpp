#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <mics/error.hpp>
#include <mics/schedule/launch.hpp>
#include <mics/shape.hpp>

namespace mics::detail {

/// Gathers one small value of every rank by the all-gather program `steps`; `run` executes it.
template <class T, class Run>
requires std::is_trivially_copyable_v<T> std::vector<T> gather_values(const schedule::program& steps,
                                                                      const group_shape& shape, const T& own, Run run) {
  std::vector<T> all(static_cast<std::size_t>(shape.size));
  schedule::part gather;
  gather.steps = &steps;
  gather.layout = schedule::block_layout::uniform(shape.size, sizeof(T));
  gather.input = reinterpret_cast<const std::byte*>(&own);
  gather.input_origin = static_cast<std::size_t>(shape.rank) * sizeof(T);
  gather.output = reinterpret_cast<std::byte*>(all.data());
  run(std::span<const schedule::part>(&gather, 1));
  return all;
}

/// Throws usage_error, the same on every rank, when some rank means another operation than rank 0 of the group.
template <class WorldRank>
void require_agreement(const std::vector<schedule::signature>& all, int rank, WorldRank world_rank,
                       error_context where) {
  for (std::size_t other = 1; other < all.size(); ++other) {
    if (all[other] == all[0]) continue;
    throw usage_error("the ranks disagree: rank " + std::to_string(world_rank(0)) + " calls " + all[0].describe() +
                          ", but rank " + std::to_string(world_rank(static_cast<int>(other))) + " calls " +
                          all[other].describe() + "; this rank calls " + all[static_cast<std::size_t>(rank)].describe(),
                      std::move(where));
  }
}

}  // namespace mics::detail
