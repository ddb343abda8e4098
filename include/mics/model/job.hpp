#pragma once

#include <string>
#include <utility>
#include <vector>

#include <mics/error.hpp>
#include <mics/model/jitter.hpp>
#include <mics/model/machine.hpp>
#include <mics/model/strategy.hpp>
#include <mics/model/transformer.hpp>

namespace mics::model {

/// What is trained, where, and how.
struct job {
  machine on{};
  std::vector<layer> layers{};
  int world_size = 0;  ///< N
  int micro_steps = 1;
  strategy how{};
  double bytes_per_parameter = 2;             ///< of parameters and gradients, in memory and on the wire
  double state_bytes_per_parameter = 16;      ///< of all model states; mixed-precision Adam
  double optimizer_bytes_per_parameter = 32;  ///< read and written by the optimizer step
  variance spread{};

  [[nodiscard]] int partition_size() const noexcept {
    return how.partition_size == 0 ? world_size : how.partition_size;
  }
};

namespace detail {

inline void check_layers(const std::vector<layer>& layers) {
  if (layers.empty()) throw usage_error("layers: none given; at least one is needed");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string field = "layers[" + std::to_string(i) + "].";
    require_positive(field + "parameters", layers[i].parameters);
    require_not_negative(field + "forward_flops", layers[i].forward_flops);
    require_not_negative(field + "backward_flops", layers[i].backward_flops);
    require_positive(field + "tensors", layers[i].tensors);
  }
}

inline void check_layers_fit(const job& given) {
  for (std::size_t i = 0; i < given.layers.size(); ++i) {
    const double bytes = given.layers[i].parameters * given.bytes_per_parameter;
    if (bytes <= given.on.memory_bytes) continue;
    refuse("layers[" + std::to_string(i) + "] gathered, in bytes,", bytes,
           "at most the memory of one GPU of " + given.on.name + ", " +
               std::to_string(static_cast<long long>(given.on.memory_bytes)));
  }
}

}  // namespace detail

/// Throws usage_error or topology_error that names the field, its value and what is allowed.
inline void check(const job& given) {
  check(given.on);
  detail::check_layers(given.layers);
  detail::require_positive("world_size", given.world_size);
  detail::require_positive("micro_steps", given.micro_steps);
  detail::require_not_negative("prefetch", given.how.prefetch);
  detail::require_positive("bytes_per_parameter", given.bytes_per_parameter);
  detail::require_not_negative("state_bytes_per_parameter", given.state_bytes_per_parameter);
  detail::require_not_negative("optimizer_bytes_per_parameter", given.optimizer_bytes_per_parameter);
  detail::require_not_negative("jitter", given.spread.jitter);
  if (!(given.spread.straggler >= 1)) detail::refuse("straggler", given.spread.straggler, "1 (none) or more");
  const int p = given.how.partition_size;
  if (p < 0 || p > given.world_size || (p > 0 && given.world_size % p != 0)) {
    throw topology_error("partition_size is " + std::to_string(p) + "; allowed: a divisor of the world size " +
                         std::to_string(given.world_size) + ", or 0 for all of it");
  }
  detail::check_layers_fit(given);
}

/// One simulated training step, in seconds and bytes of one GPU unless said otherwise.
struct step_report {
  double step_s = 0;
  double compute_s = 0;
  double gather_s = 0;  ///< on the wire, hidden or not
  double reduce_s = 0;  ///< reduce-scatters, inside the partition group
  double hop2_s = 0;    ///< all-reduces over the replication groups
  double optimizer_s = 0;
  double slow_busy_s = 0;  ///< the node's network is held
  double fast_busy_s = 0;  ///< the node's links are held
  double slow_bytes = 0;   ///< into one node
  double flops = 0;
  double memory_bytes = 0;  ///< model states

  /// The link that works longest.
  [[nodiscard]] double wire_s() const noexcept { return slow_busy_s > fast_busy_s ? slow_busy_s : fast_busy_s; }
  /// Everything one after the other.
  [[nodiscard]] double sum_s() const noexcept { return compute_s + gather_s + reduce_s + hop2_s + optimizer_s; }
  /// Communication that nothing hides.
  [[nodiscard]] double exposed_s() const noexcept { return step_s - compute_s - optimizer_s; }
  [[nodiscard]] double tflops() const noexcept { return flops / step_s * 1e-12; }
};

}  // namespace mics::model
