#pragma once

namespace mics::model {

/// The communication of one training step, in seconds of bandwidth alone: s micro-steps, G = M bytes of parameters or
/// gradients, partition groups of p ranks, r = N/p replicas.
struct two_hop_case {
  double bytes = 0;                  ///< G
  double world_size = 1;             ///< N
  double partition_size = 1;         ///< p
  double micro_steps = 1;            ///< s
  double partition_bytes_per_s = 1;  ///< that one rank sees inside its partition group
  double replication_bytes_per_s =
      1;  ///< that one rank sees in its replication group; ranks of a node share its network
};

/// An all-reduce of `bytes` over n ranks: 2(n-1)/n * bytes / rate.
constexpr double ring_all_reduce_s(double bytes, double ranks, double bytes_per_s) noexcept {
  return 2 * (ranks - 1) / ranks * bytes / bytes_per_s;
}

/// Hop 1 at each micro-step: reduce-scatter of G over p. (p-1)/p * G / rate.
constexpr double hop_1_s(const two_hop_case& c) noexcept {
  return (c.partition_size - 1) / c.partition_size * c.bytes / c.partition_bytes_per_s;
}

/// Hop 2 at the boundary: all-reduce of G/p over r. 2(r-1)/r * (G/p) / rate.
constexpr double hop_2_s(const two_hop_case& c) noexcept {
  return ring_all_reduce_s(c.bytes / c.partition_size, c.world_size / c.partition_size, c.replication_bytes_per_s);
}

/// s * hop 1 + hop 2.
constexpr double two_hop_s(const two_hop_case& c) noexcept { return c.micro_steps * hop_1_s(c) + hop_2_s(c); }

/// All of a step's communication in MiCS: s * 3(p-1)/p * M / B_part + 2(r-1)/r * (G/p) / B_repl.
constexpr double mics_step_s(const two_hop_case& c) noexcept { return 3 * c.micro_steps * hop_1_s(c) + hop_2_s(c); }

/// How much cheaper two hops are than an all-reduce over all N ranks at every micro-step, where a flat ring sees
/// `world_bytes_per_s`: the rate of a node's network.
constexpr double two_hop_gain(const two_hop_case& c, double world_bytes_per_s) noexcept {
  return c.micro_steps * ring_all_reduce_s(c.bytes, c.world_size, world_bytes_per_s) / two_hop_s(c);
}

}  // namespace mics::model
