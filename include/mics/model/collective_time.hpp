#pragma once

#include <algorithm>

#include <mics/model/machine.hpp>

namespace mics::model {

/// Where the ranks of a group are, as far as its time depends on it: on how many nodes, how many on each.
struct group_span {
  int ranks = 1;
  int nodes = 1;
  bool even = true;  ///< whole nodes, or within one: a hierarchy exists
  [[nodiscard]] int ranks_of_a_node() const noexcept { return even ? ranks / nodes : 1; }
};

/// p consecutive ranks on nodes of k.
constexpr group_span partition_span(int p, int k) noexcept {
  if (p <= k && k % p == 0) return {p, 1, true};
  if (p % k == 0) return {p, p / k, true};
  return {p, (p + k - 1) / k + 1, false};  // the worst placed group
}

/// r = N/p ranks with the same shard, p apart.
constexpr group_span replication_span(int world, int p, int k) noexcept {
  const int r = world / p;
  if (p >= k || k % p != 0) return {r, r, true};
  return {r, std::max(1, world / k), true};
}

/// Time of one collective alone on the wire, in its parts.
struct wire_time {
  double latency_s = 0;
  double slow_s = 0;      ///< bytes over the network
  double fast_s = 0;      ///< bytes inside the node, where they do not overlap those
  double slow_bytes = 0;  ///< into one node
  [[nodiscard]] double total() const noexcept { return latency_s + slow_s + fast_s; }
};

/// How a gather or a reduce-scatter over several nodes runs.
struct collective_form {
  bool hierarchical = true;
  bool pipelined = false;  ///< the stages overlap
  int calls = 1;           ///< M is cut into so many calls
};

/// An all-gather to, or a reduce-scatter from, `bytes` = M on every rank.
/// - Flat ring: (p-1) steps, (p-1)/p M into each node. Hierarchical: (n-1) + (k-1) steps, (p-k)/p M into each node,
/// then
///   (k-1)/k M inside it. Source: MiCS, VLDB 2023, hierarchical communication.
inline wire_time gather_time(const machine& on, group_span group, double bytes, collective_form form) {
  const double p = group.ranks;
  if (group.ranks <= 1) return {};
  if (group.nodes == 1) {
    return {form.calls * (p - 1) * on.fast_latency_s, 0, bytes * (p - 1) / p / on.fast_bytes_per_s, 0};
  }
  const link network = on.slow(group.nodes);
  if (!form.hierarchical || !group.even) {
    const double into_node = bytes * (p - 1) / p;
    return {form.calls * (p - 1) * network.latency_s, into_node / network.bytes_per_s, 0, into_node};
  }
  const double n = group.nodes;
  const double k = group.ranks_of_a_node();
  const double into_node = bytes * (p - k) / p;
  wire_time time{form.calls * ((n - 1) * network.latency_s + (k - 1) * on.fast_latency_s),
                 into_node / network.bytes_per_s, bytes * (k - 1) / k / on.fast_bytes_per_s, into_node};
  if (form.pipelined) {
    (time.slow_s >= time.fast_s ? time.fast_s : time.slow_s) = 0;
  }
  return time;
}

/// A ring all-reduce of `bytes` over each of the replication groups of a node at the same time; they share its NICs.
/// - 2(r-1)/r * bytes for each of the `rings` distinct shards that a node holds, in 2(r-1) steps.
inline wire_time all_reduce_time(const machine& on, group_span group, double bytes, int rings) {
  const double r = group.ranks;
  if (group.ranks <= 1) return {};
  const double each = 2 * (r - 1) / r * bytes;
  if (group.nodes == 1) return {2 * (r - 1) * on.fast_latency_s, 0, each / on.fast_bytes_per_s, 0};
  const link network = on.slow(group.nodes);
  return {2 * (r - 1) * network.latency_s, rings * each / network.bytes_per_s, 0, rings * each};
}

}  // namespace mics::model
