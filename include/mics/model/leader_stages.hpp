#pragma once

#include <algorithm>

#include <mics/model/stage.hpp>
#include <mics/options.hpp>
#include <mics/topology/hierarchy.hpp>

namespace mics::model::detail {

/// Between the leaders: rows of k blocks, or by exchange everything, of each node to each other one.
constexpr stage between_leaders(hierarchy g, double row) noexcept {
  const double others = g.nodes - 1;
  return {.slow_steps = 1, .messages = others, .slow_into_node = others * row, .slow_load = others * row};
}

/// Inside a node: each rank but the leader sends it so many bytes, and takes so many.
constexpr stage with_leader(hierarchy g, double sent, double taken) noexcept {
  const double followers = g.node_size - 1;
  return {.fast_steps = std::min(2 * followers, 2.0),
          .messages = followers,
          .fast_into_node = followers * (sent + taken),
          .fast_load = followers * std::max(sent, taken)};
}

/// What the collectives do that go through one rank a node; see hierarchical/leader.hpp.
constexpr stages leader_stages(const collective& c) noexcept {
  const hierarchy g = c.shape;
  const double k = g.node_size, n = g.nodes, block = c.bytes / (n * k), row = c.bytes / n;
  stages all;
  switch (c.what) {
    case operation::all_gather:
      all.parts = {between_leaders(g, row), with_leader(g, block, c.bytes - block)};
      all.copied = c.in_place ? 0 : block;
      break;
    case operation::reduce_scatter:
      all.parts = {between_leaders(g, row), with_leader(g, c.bytes, block)};
      all.folded = (k - 1) * c.bytes + (n - 1) * row;
      break;
    default: {
      const bool exchange = c.on_rail == algorithm::exchange;
      all.parts = {between_leaders(g, exchange ? c.bytes : row), with_leader(g, c.bytes, c.bytes)};
      if (!exchange) all.parts[0] = all.parts[0] + all.parts[0];
      all.folded = (k - 1) * c.bytes + (n - 1) * (exchange ? c.bytes : row);
      break;
    }
  }
  return all;
}

}  // namespace mics::model::detail
