#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "adamw.hpp"
#include "language_model.hpp"
#include "text.hpp"

namespace train_lm {

/// One rank that computes the micro-batches of all ranks itself: the same training without any communication.
/// It is what the sharded trainer is measured against; the two must agree to float rounding.
class alone {
 public:
  alone(const model_shape& shape, std::span<const std::uint8_t> text, std::uint64_t seed)
      : shape_(shape), text_(text), seed_(seed), model_(shape) {
    for (std::size_t layer = 0; layer < model_.layers(); ++layer) {
      std::size_t elements = 0;
      for (const auto tensor : model_.tensors(layer)) elements += tensor;
      layers_.push_back({std::vector<float>(elements), std::vector<float>(elements), adamw(elements)});
      model_.initialize(layer, layers_[layer].parameters, seed);
    }
  }

  /// One optimizer step on the micro-batches that `ranks` ranks would compute; returns their mean loss.
  double step(std::uint64_t number, int micro_steps, int ranks) {
    double loss = 0;
    std::vector<float> gradients;
    for (auto& layer : layers_) std::fill(layer.gradients.begin(), layer.gradients.end(), 0.0F);
    for (int micro_step = 0; micro_step < micro_steps; ++micro_step) {
      for (int rank = 0; rank < ranks; ++rank) {
        const batch_index index{number, static_cast<std::uint64_t>(micro_step), static_cast<std::uint64_t>(rank)};
        const auto batch = draw_batch(text_, shape_, seed_, index);
        for (std::size_t l = 0; l < layers_.size(); ++l) model_.forward(l, layers_[l].parameters, batch);
        loss += model_.loss();
        for (std::size_t l = layers_.size(); l-- > 0;) {
          gradients.resize(layers_[l].gradients.size());
          model_.backward(l, layers_[l].parameters, batch, gradients);
          for (std::size_t i = 0; i < gradients.size(); ++i) layers_[l].gradients[i] += gradients[i];
        }
      }
    }
    const int micro_batches = micro_steps * ranks;
    for (auto& layer : layers_) {
      for (float& gradient : layer.gradients) gradient /= static_cast<float>(micro_batches);
      layer.optimizer.step(layer.parameters, layer.gradients);
    }
    return loss / micro_batches;
  }

 private:
  struct layer_state {
    std::vector<float> parameters, gradients;
    adamw optimizer;
  };

  model_shape shape_;
  std::span<const std::uint8_t> text_;
  std::uint64_t seed_;
  language_model model_;
  std::vector<layer_state> layers_;
};

}  // namespace train_lm
