#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <mics/error.hpp>
#include <mics/model/cost_model.hpp>
#include <mics/model/machine.hpp>
#include <mics/model/transformer.hpp>
#include <mics/topology.hpp>

namespace mics::model {

/// A training that is to be planned. Bytes and seconds; what is not said otherwise counts for one GPU.
struct training_plan {
  machine on{};
  std::vector<layer> layers{};
  int world_size = 0;  ///< N: GPUs
  int micro_steps = 1;
  double activation_bytes = 0;                ///< at the peak of a micro-step
  double reserved_bytes = 0;                  ///< what libraries and fragmentation keep
  double bytes_per_parameter = 2;             ///< of parameters and gradients on the wire and where layers are whole
  double state_bytes_per_parameter = 16;      ///< of all model states; mixed-precision Adam
  double optimizer_bytes_per_parameter = 32;  ///< read and written by the optimizer's step
  int prefetch = 2;                           ///< layers that are whole beside the one at work
  bool overlaps = true;                       ///< communication runs beside compute
  double chunks = 8;                          ///< pieces of a block in which the stages of a collective overlap
};

/// What one partition size means for a training.
struct partition_cost {
  int partition_size = 1;    ///< p
  int replication_size = 1;  ///< r
  hierarchy shape{};         ///< of a partition group
  double state_bytes = 0;    ///< model states: state_bytes_per_parameter * parameters / p
  double layer_bytes = 0;    ///< whole layers: parameters at work and prefetched, gradients of one
  double memory_bytes = 0;   ///< with activations and what is reserved
  bool fits = false;
  double slow_bytes = 0;  ///< into the busiest node over its network, a step
  double fast_bytes = 0;  ///< inside that node, a step
  double compute_s = 0;   ///< a step
  double hop_1_s = 0;     ///< gathers and reduce-scatters of a step on the wire
  double hop_2_s = 0;     ///< the all-reduce between replicas, once a step
  double optimizer_s = 0;
  double step_s = 0;

  /// The share of a step in which a GPU waits for communication.
  [[nodiscard]] double communication_share() const noexcept { return (step_s - compute_s - optimizer_s) / step_s; }
};

/// Layers of equal size when only their sum is known: FLOPs are 8 * parameters * tokens with recomputation of
/// activations, a quarter of them forward.
inline std::vector<layer> equal_layers(double parameters, int layers, double tokens) {
  detail::require_positive("parameters", parameters);
  detail::require_positive("layers", layers);
  detail::require_not_negative("tokens", tokens);
  const double each = parameters / layers;
  return std::vector<layer>(static_cast<std::size_t>(layers), layer{each, 2 * each * tokens, 6 * each * tokens, 1});
}

/// Throws usage_error or topology_error, naming the field, its value and what is allowed.
inline void check(const training_plan& given) {
  check(given.on);
  detail::require_positive("world_size", given.world_size);
  detail::require_positive("micro_steps", given.micro_steps);
  detail::require_not_negative("activation_bytes", given.activation_bytes);
  detail::require_not_negative("reserved_bytes", given.reserved_bytes);
  detail::require_positive("bytes_per_parameter", given.bytes_per_parameter);
  detail::require_positive("state_bytes_per_parameter", given.state_bytes_per_parameter);
  detail::require_not_negative("optimizer_bytes_per_parameter", given.optimizer_bytes_per_parameter);
  detail::require_not_negative("prefetch", given.prefetch);
  detail::require_positive("chunks", given.chunks);
  const int k = given.on.node_size;
  if (given.world_size > k && given.world_size % k != 0) {
    throw topology_error("world_size is " + std::to_string(given.world_size) + "; allowed: up to the node size " +
                         std::to_string(k) + ", or a multiple of it");
  }
  if (given.layers.empty()) throw usage_error("layers are none; allowed: one or more");
  for (std::size_t i = 0; i < given.layers.size(); ++i) {
    const std::string field = "layers[" + std::to_string(i) + "].";
    detail::require_positive(field + "parameters", given.layers[i].parameters);
    detail::require_not_negative(field + "forward_flops", given.layers[i].forward_flops);
    detail::require_not_negative(field + "backward_flops", given.layers[i].backward_flops);
    const double whole = given.layers[i].parameters * given.bytes_per_parameter;
    if (whole > given.on.memory_bytes) {
      detail::refuse(field + "parameters in bytes", whole,
                     "at most the memory of a GPU, " + std::to_string(static_cast<long long>(given.on.memory_bytes)));
    }
  }
}

namespace detail {

/// `groups` groups of a node run the same collective at once and share its network.
struct shared_collective {
  collective call{};
  int groups = 1;
};

inline void add_bytes(partition_cost& to, const shared_collective& c, double times) {
  const stages s = stages_of(c.call);
  to.slow_bytes += times * c.groups * s.slow_into_node();
  to.fast_bytes += times * c.groups * s.fast_into_node();
}

inline double seconds_of(const shared_collective& c, const training_plan& of) {
  link_classes links = of.on.links(c.call.shape.nodes);
  links.slow.bytes_per_s /= c.groups;
  return cost_of(stages_of(c.call), links, of.chunks).total();
}

/// Inside a partition group: hierarchical over nodes, a ring in one node.
inline shared_collective hop_1(operation what, const training_plan& of, hierarchy shape, double bytes) {
  const bool staged = shape.hierarchical() && shape.node_size > 1;
  const int groups = shape.hierarchical() ? 1 : std::max(1, std::min(of.on.node_size, of.world_size) / shape.node_size);
  return {{what, staged ? algorithm::hierarchical : algorithm::ring, shape, bytes, algorithm::ring, algorithm::ring},
          groups};
}

/// Among the owners of one shard: p apart, so several of them share a node only where p < k. The groups of a node
/// share its network.
inline shared_collective hop_2(const training_plan& of, int p, double bytes) {
  const int k = std::min(of.on.node_size, of.world_size);
  const int nodes = std::max(1, of.world_size / std::max(k, p));
  const int together = std::max(1, k / p);
  const bool staged = nodes > 1 && together > 1;
  return {{operation::all_reduce,
           staged ? algorithm::hierarchical : algorithm::ring,
           {nodes, together},
           bytes,
           algorithm::ring,
           algorithm::ring},
          k / together};
}

inline void add_memory(partition_cost& c, const training_plan& of, double parameters) {
  const double p = c.partition_size;
  std::vector<double> sizes;
  for (const layer& l : of.layers) sizes.push_back(l.parameters * of.bytes_per_parameter);
  std::sort(sizes.rbegin(), sizes.rend());
  c.state_bytes = of.state_bytes_per_parameter * parameters / p;
  if (c.partition_size > 1) {  // else parameters and gradients are whole already
    const std::size_t whole = std::min(sizes.size(), static_cast<std::size_t>(of.prefetch) + 1);
    for (std::size_t i = 0; i < whole; ++i) c.layer_bytes += sizes[i];
    c.layer_bytes += sizes.front();
  }
  c.memory_bytes = c.state_bytes + c.layer_bytes + of.activation_bytes + of.reserved_bytes;
  c.fits = c.memory_bytes <= of.on.memory_bytes;
}

}  // namespace detail

/// Memory, bytes and time of a training with partition groups of p, in closed form: s micro-steps of two gathers and a
/// reduce-scatter of every layer, one all-reduce of the shard's gradients, one optimizer step.
/// Where communication overlaps compute, a micro-step of l layers takes max + min / l of the two: no less than either,
/// no more than both. Throws as check does; topology_error unless p divides N and lies evenly on nodes.
inline partition_cost cost_of_partition(const training_plan& of, int p) {
  check(of);
  const topology geometry = topology::uniform(of.world_size, of.on.node_size, p);
  if (const std::string uneven = geometry.flat_reason(0); !uneven.empty()) throw topology_error(uneven);
  const double parameters = parameters_of(of.layers);
  partition_cost c;
  c.partition_size = p;
  c.replication_size = of.world_size / p;
  c.shape = geometry.hierarchy_of(0);
  detail::add_memory(c, of, parameters);
  if (p > 1) {
    for (const layer& l : of.layers) {
      const double whole = l.parameters * of.bytes_per_parameter;
      const auto gather = detail::hop_1(operation::all_gather, of, c.shape, whole);
      const auto scatter = detail::hop_1(operation::reduce_scatter, of, c.shape, whole);
      detail::add_bytes(c, gather, 2.0 * of.micro_steps);
      detail::add_bytes(c, scatter, of.micro_steps);
      c.hop_1_s += of.micro_steps * (2 * detail::seconds_of(gather, of) + detail::seconds_of(scatter, of));
    }
  }
  if (c.replication_size > 1) {
    const auto between = detail::hop_2(of, p, parameters * of.bytes_per_parameter / p);
    detail::add_bytes(c, between, 1);
    c.hop_2_s = detail::seconds_of(between, of);
  }
  c.compute_s = of.micro_steps * flops_of(of.layers) / (of.on.peak_flops * of.on.compute_share);
  c.optimizer_s = of.optimizer_bytes_per_parameter * parameters / p / of.on.memory_bytes_per_s;
  const double pieces = of.overlaps ? static_cast<double>(of.layers.size()) : 1;
  c.step_s = std::max(c.compute_s, c.hop_1_s) + std::min(c.compute_s, c.hop_1_s) / pieces + c.hop_2_s + c.optimizer_s;
  return c;
}

}  // namespace mics::model
