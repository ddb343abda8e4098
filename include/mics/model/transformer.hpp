#pragma once

#include <string>
#include <vector>

#include <mics/model/link.hpp>

namespace mics::model {

/// What the simulator knows of a layer: one gather and one reduce-scatter move all of its parameters.
struct layer {
  double parameters = 0;
  double forward_flops = 0;   ///< of one micro-step on one GPU
  double backward_flops = 0;  ///< with what is recomputed
  int tensors = 1;            ///< weight matrices, for strategies that gather one by one
};

/// A GPT-like model and the batch of one micro-step on one GPU.
struct transformer {
  int layers = 0;
  int hidden = 0;
  int vocabulary = 0;
  int sequence = 0;        ///< tokens
  int sequences = 0;       ///< a micro-step and GPU
  bool recomputes = true;  ///< the backward pass repeats the forward pass
};

/// Throws usage_error naming the field that is not positive.
inline void check(const transformer& of) {
  detail::require_positive("layers", of.layers);
  detail::require_positive("hidden", of.hidden);
  detail::require_positive("vocabulary", of.vocabulary);
  detail::require_positive("sequence", of.sequence);
  detail::require_positive("sequences", of.sequences);
}

/// The blocks, then the head; the embedding is tied to the head and counts there.
/// FLOPs sum to 96 B s l h^2 (1 + s/6h + V/16lh) with recomputation. Source: Narayanan et al., SC 2021.
inline std::vector<layer> layers_of(const transformer& of) {
  check(of);
  const double h = of.hidden;
  const double tokens = static_cast<double>(of.sequence) * of.sequences;
  const double block_forward = 24 * tokens * h * h * (1 + of.sequence / (6 * h));
  const double head_forward = 2 * tokens * h * of.vocabulary;
  const layer block{12 * h * h + 13 * h, block_forward, block_forward * (of.recomputes ? 3 : 2), 4};
  std::vector<layer> all(static_cast<std::size_t>(of.layers), block);
  all.push_back({h * of.vocabulary, head_forward, 2 * head_forward, 1});
  return all;
}

inline double parameters_of(const std::vector<layer>& layers) {
  double sum = 0;
  for (const layer& each : layers) sum += each.parameters;
  return sum;
}

/// FLOPs of one micro-step on one GPU.
inline double flops_of(const std::vector<layer>& layers) {
  double sum = 0;
  for (const layer& each : layers) sum += each.forward_flops + each.backward_flops;
  return sum;
}

}  // namespace mics::model
