#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include <mics/algorithms/halving.hpp>
#include <mics/error.hpp>
#include <mics/model/flat_stages.hpp>
#include <mics/model/leader_stages.hpp>
#include <mics/model/link.hpp>
#include <mics/model/stage.hpp>

namespace mics::model {

namespace detail {

/// The rows of the other nodes over the k rails.
constexpr stage rail_stage(hierarchy g, double block, algorithm how) noexcept {
  const double n = g.nodes, k = g.node_size;
  return {.slow_steps = how == algorithm::ring ? n - 1 : 1,
          .messages = n - 1,
          .slow_into_node = k * (n - 1) * block,
          .slow_load = k * (n - 1) * block};
}

/// All n rows among the ranks of each node.
constexpr stage node_stage(hierarchy g, double block, algorithm how) noexcept {
  const double n = g.nodes, k = g.node_size;
  return {.fast_steps = how == algorithm::ring ? k - 1 : std::min(k - 1, 1.0),
          .messages = n * (k - 1),
          .fast_into_node = n * k * (k - 1) * block,
          .fast_load = n * (k - 1) * block};
}

[[noreturn]] inline void refuse_algorithm(const collective& c) {
  throw usage_error("algorithm " + std::string(name_of(c.how)) + " cannot serve " + std::string(name_of(c.what)) +
                    " on " + std::to_string(c.shape.nodes) + " nodes of " + std::to_string(c.shape.node_size));
}

inline stages gather_or_scatter(const collective& c) {
  const hierarchy g = c.shape;
  const double p = static_cast<double>(g.nodes) * g.node_size, block = c.bytes / p;
  const bool gathers = c.what == operation::all_gather;
  stages all;
  all.copied = gathers && !c.in_place ? block : 0;
  all.folded = gathers ? 0 : (p - 1) * block;
  if (c.how == algorithm::direct) {
    all.parts[0] = direct_stage(g, block);
  } else if (c.how == algorithm::ring) {
    all.parts[0] = ring_stage(g, block);
  } else if (c.how == algorithm::bruck && gathers) {
    all.parts = around_stages(g, [&](int distance) { return std::min<double>(distance, p - distance) * block; });
  } else if (c.how == algorithm::halving && !gathers && algorithms::halving_fits(g.nodes * g.node_size)) {
    all.parts = halving_stages(g, block);
  } else if (c.how == algorithm::hierarchical && g.hierarchical()) {
    all.parts = {rail_stage(g, block, c.on_rail), node_stage(g, block, c.on_node)};
    all.overlaps = true;
    all.rows = c.on_rail == algorithm::ring ? g.nodes - 1 : 1;
    if (!gathers) all.folded = (g.nodes * (g.node_size - 1.0) + g.nodes - 1) * block;
  } else {
    refuse_algorithm(c);
  }
  return all;
}

inline stages all_reduce(const collective& c) {
  const hierarchy g = c.shape;
  const double p = static_cast<double>(g.nodes) * g.node_size;
  stages all;
  if (c.how == algorithm::exchange) {
    all.parts[0] = direct_stage(g, c.bytes);
    all.folded = (p - 1) * c.bytes;
    all.copied = c.bytes;
  } else if (c.how == algorithm::doubling) {
    all.parts = doubling_stages(g, c.bytes);
    all.folded = std::bit_width(static_cast<unsigned>(p) - 1) * c.bytes;
    all.copied = c.bytes;
  } else if (c.how == algorithm::direct || c.how == algorithm::ring || c.how == algorithm::hierarchical) {
    collective half = c;
    half.what = operation::reduce_scatter;
    all = gather_or_scatter(half);
    for (stage& s : all.parts) s = s + s;
  } else {
    refuse_algorithm(c);
  }
  return all;
}

inline stages broadcast(const collective& c) {
  stages all;
  if (c.how == algorithm::tree) {
    all.parts = tree_stages(c.shape, c.bytes);
  } else if (c.how == algorithm::hierarchical && c.shape.hierarchical()) {
    const double k = c.shape.node_size;
    all.parts[0] = tree_stages({c.shape.nodes, 1}, c.bytes)[0];
    all.parts[1] = {.fast_steps = std::min(k - 1, 1.0),
                    .messages = 1,
                    .fast_into_node = (k - 1) * c.bytes,
                    .fast_load = (k - 1) * c.bytes};
    all.overlaps = true;
  } else {
    refuse_algorithm(c);
  }
  return all;
}

}  // namespace detail

/// What a collective does in closed form: steps on the longest way, messages, bytes of the busiest node and rank.
/// O(1), but for trees and doubling O(p log p). Throws usage_error for sizes below 1, negative bytes, and an algorithm
/// that cannot serve the operation or the group.
inline stages stages_of(const collective& c) {
  detail::require_positive("shape.nodes", c.shape.nodes);
  detail::require_positive("shape.node_size", c.shape.node_size);
  detail::require_not_negative("bytes", c.bytes);
  if (c.shape.nodes * c.shape.node_size == 1) return {};
  const bool moves = c.what != operation::broadcast && c.what != operation::barrier;
  if (c.how == algorithm::leader && moves && c.shape.hierarchical()) return detail::leader_stages(c);
  switch (c.what) {
    case operation::all_reduce:
      return detail::all_reduce(c);
    case operation::broadcast:
      return detail::broadcast(c);
    case operation::barrier: {
      if (c.how != algorithm::direct) detail::refuse_algorithm(c);
      stages all;
      all.parts = detail::around_stages(c.shape, [&](int) { return c.bytes; });
      return all;
    }
    default:
      return detail::gather_or_scatter(c);
  }
}

}  // namespace mics::model
