#pragma once

#include <algorithm>

#include <mics/model/link.hpp>
#include <mics/model/stages.hpp>

namespace mics::model {

/// Seconds of one collective, taken apart. total() is their sum.
struct cost {
  double latency_s = 0;  ///< steps, messages, the call itself
  double links_s = 0;    ///< bytes over slow and fast links, overlaps counted once
  double local_s = 0;    ///< copies and sums in a rank's own memory

  [[nodiscard]] double total() const noexcept { return latency_s + links_s + local_s; }
};

namespace detail {

/// Slow and fast links of one part work at the same time.
constexpr double links_of(const stage& s, const link_classes& on) noexcept {
  return std::max(s.slow_load / on.slow.bytes_per_s, s.fast_load / on.fast.bytes_per_s);
}

constexpr double seconds(double bytes, double bytes_per_s) noexcept {
  return bytes > 0 && bytes_per_s > 0 ? bytes / bytes_per_s : 0;
}

}  // namespace detail

/// What known stages cost on given links when every block moves in `chunks` pieces.
/// Two parts a and b that overlap in c pieces take max(a, b) + min(a, b) / c: the first piece alone, then the slower
/// part throughout. So no cost is below the time on the wire of either link class, nor above their sum.
constexpr cost cost_of(const stages& s, const link_classes& on, double chunks = 1) noexcept {
  const double first = detail::links_of(s.parts[0], on), second = detail::links_of(s.parts[1], on);
  const double pieces = s.overlaps ? std::max(1.0, chunks) * std::max(1.0, s.rows) : 1;
  cost c;
  c.latency_s = on.call_s + s.slow_steps() * on.slow.latency_s + s.fast_steps() * on.fast.latency_s +
                s.messages() * std::max(1.0, chunks) * on.message_s;
  c.links_s = std::max(first, second) + std::min(first, second) / pieces;
  c.local_s = detail::seconds(s.copied, on.copy.bytes_per_s) + (s.copied > 0 ? on.copy.latency_s : 0) +
              detail::seconds(s.folded, on.reduce_bytes_per_s);
  return c;
}

/// What a collective costs. Throws usage_error as stages_of does, and for links that cannot be.
/// Source: MiCS, VLDB 2023: a flat ring brings (p-1)/p M into a node in p-1 steps, the hierarchy (p-k)/p M in
/// (n-1) + (k-1), and then (k-1)/k M moves inside the node.
inline cost cost_of(const collective& c, const link_classes& on, double chunks = 1) {
  check(on);
  return cost_of(stages_of(c), on, chunks);
}

/// M in one piece, as large as the whole: the two stages follow each other. The hierarchy saves (k-1)/p M on the slow
/// links and costs (k-1)/k M on the fast ones, so it wins where fast / slow exceeds this: p/k = n.
constexpr double break_even_speed_ratio(hierarchy shape) noexcept { return shape.nodes; }

/// Steps of a flat ring over those of rings in rail and node groups: (p-1) / ((n-1) + (k-1)), about p / (p/k + k).
constexpr double ring_step_gain(hierarchy shape) noexcept {
  const double steps = shape.nodes - 1.0 + shape.node_size - 1.0;
  return steps > 0 ? (static_cast<double>(shape.nodes) * shape.node_size - 1) / steps : 1.0;
}

}  // namespace mics::model
