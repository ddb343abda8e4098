#pragma once

#include <array>

#include <mics/options.hpp>
#include <mics/topology/hierarchy.hpp>
#include <mics/types/operation.hpp>

namespace mics::model {

/// One collective in a group of n nodes of k ranks, on M bytes: the gathered result, the input of a reduce-scatter, the
/// buffer of the others. Broadcasts start at rank 0.
struct collective {
  operation what = operation::all_gather;
  algorithm how = algorithm::hierarchical;
  hierarchy shape{};
  double bytes = 0;                       ///< M
  algorithm on_rail = algorithm::ring;    ///< of hierarchical: ring, or direct in one step
  algorithm on_node = algorithm::direct;  ///< of hierarchical: direct as this library does it, or ring
  bool in_place = true;                   ///< else an all-gather copies the own block too
};

/// A part of a collective whose slow and fast links work at the same time.
struct stage {
  double slow_steps = 0;      ///< on the longest way, over the network
  double fast_steps = 0;      ///< on the longest way, inside a node
  double messages = 0;        ///< that one rank takes
  double slow_into_node = 0;  ///< bytes into the busiest node over its network
  double fast_into_node = 0;  ///< bytes that ranks of the busiest node take from each other
  double slow_load = 0;       ///< bytes through the network of the busiest node in its busier direction
  double fast_load = 0;       ///< bytes through the fast link of the busiest rank in its busier direction
};

/// A collective in parts that follow each other, and what a rank does beside.
struct stages {
  std::array<stage, 2> parts{};
  double copied = 0;      ///< bytes that a rank copies inside its own memory
  double folded = 0;      ///< bytes that a rank folds into sums
  bool overlaps = false;  ///< the parts use different links and overlap piece by piece
  double rows = 1;        ///< pieces in which the parts meet even without chunks

  [[nodiscard]] constexpr double slow_into_node() const noexcept {
    return parts[0].slow_into_node + parts[1].slow_into_node;
  }
  [[nodiscard]] constexpr double fast_into_node() const noexcept {
    return parts[0].fast_into_node + parts[1].fast_into_node;
  }
  [[nodiscard]] constexpr double slow_steps() const noexcept { return parts[0].slow_steps + parts[1].slow_steps; }
  [[nodiscard]] constexpr double fast_steps() const noexcept { return parts[0].fast_steps + parts[1].fast_steps; }
  [[nodiscard]] constexpr double messages() const noexcept { return parts[0].messages + parts[1].messages; }
};

constexpr stage operator+(stage a, const stage& b) noexcept {
  a.slow_steps += b.slow_steps;
  a.fast_steps += b.fast_steps;
  a.messages += b.messages;
  a.slow_into_node += b.slow_into_node;
  a.fast_into_node += b.fast_into_node;
  a.slow_load += b.slow_load;
  a.fast_load += b.fast_load;
  return a;
}

}  // namespace mics::model
