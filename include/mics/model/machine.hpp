#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include <mics/model/constant.hpp>
#include <mics/model/link.hpp>

namespace mics::model {

/// A kind of cluster: its GPUs, nodes and links, in bytes, seconds and FLOP/s, every number with its source.
/// `slow` counts for a node (all its NICs, one direction), everything else for one GPU.
struct machine {
  std::string name{};
  int node_size = 0;  ///< k, GPUs a node
  constant memory_bytes{};
  constant memory_bytes_per_s{};
  constant peak_flops{};     ///< dense 16-bit
  constant compute_share{};  ///< of the peak, that large matrices reach
  constant fast_bytes_per_s{};
  constant fast_latency_s{};    ///< of one ring step inside a node
  constant slow_bytes_per_s{};  ///< into one node, in rings of up to slow_knee nodes
  constant slow_latency_s{};    ///< of one ring step over the network
  constant slow_knee_nodes{};   ///< rings over more nodes than this are slower ...
  constant slow_falloff{};      ///< ... by (nodes / knee)^falloff
  constant copy_bytes_per_s{};  ///< a device copy: bytes copied a second (each is read and written)
  constant copy_latency_s{};

  [[nodiscard]] link fast() const noexcept { return {fast_latency_s, fast_bytes_per_s}; }
  [[nodiscard]] link copy() const noexcept { return {copy_latency_s, copy_bytes_per_s}; }

  /// The NICs of one node, as a ring over so many nodes finds them: B(n) = B * (knee/n)^falloff, B up to the knee.
  [[nodiscard]] link slow(int nodes = 1) const noexcept {
    const double crowd = std::max(1.0, nodes / slow_knee_nodes.value);
    return {slow_latency_s, slow_bytes_per_s * std::pow(crowd, -slow_falloff.value)};
  }

  /// All classes of links, for rings over so many nodes.
  [[nodiscard]] link_classes links(int nodes = 1) const noexcept {
    return {.fast = fast(), .slow = slow(nodes), .copy = copy()};
  }
};

/// Calls visit(name, constant&) for every number of a machine; the names are those of the fields.
template <class Machine, class Visit> void for_each_constant(Machine& of, Visit visit) {
  visit("memory_bytes", of.memory_bytes);
  visit("memory_bytes_per_s", of.memory_bytes_per_s);
  visit("peak_flops", of.peak_flops);
  visit("compute_share", of.compute_share);
  visit("fast_bytes_per_s", of.fast_bytes_per_s);
  visit("fast_latency_s", of.fast_latency_s);
  visit("slow_bytes_per_s", of.slow_bytes_per_s);
  visit("slow_latency_s", of.slow_latency_s);
  visit("slow_knee_nodes", of.slow_knee_nodes);
  visit("slow_falloff", of.slow_falloff);
  visit("copy_bytes_per_s", of.copy_bytes_per_s);
  visit("copy_latency_s", of.copy_latency_s);
}

/// Throws a usage_error that names the machine, the field, its value and what is allowed.
inline void check(const machine& given) {
  const std::string prefix = "machine " + (given.name.empty() ? std::string("(no name)") : given.name) + ": ";
  detail::require_positive(prefix + "node_size", given.node_size);
  for_each_constant(given, [&prefix](const std::string& name, const constant& number) {
    const bool may_be_zero = name == "slow_falloff" || name.ends_with("latency_s");
    may_be_zero ? detail::require_not_negative(prefix + name, number) : detail::require_positive(prefix + name, number);
  });
  if (given.compute_share > 1) {
    detail::refuse(prefix + "compute_share", given.compute_share, "a share of the peak, above 0 and at most 1");
  }
}

}  // namespace mics::model
