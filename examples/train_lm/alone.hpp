#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "adamw.hpp"
#include "language_model.hpp"
#include "settings.hpp"
#include "text.hpp"

namespace train_lm {

/// One rank that computes the micro-batches of all ranks itself: the same training without any communication.
/// It is what the sharded trainer is measured against; the two must agree to float rounding.
class alone {
 public:
  alone(const settings& s, std::span<const std::uint8_t> text) : settings_(s), text_(text), model_(s.shape) {
    for (std::size_t layer = 0; layer < model_.layers(); ++layer) {
      std::size_t elements = 0;
      for (const auto tensor : model_.tensors(layer)) elements += tensor;
      layers_.push_back({std::vector<float>(elements), std::vector<float>(elements), adamw(elements, s.optimizer)});
      model_.initialize(layer, layers_[layer].parameters, s.seed);
    }
  }

  /// One optimizer step; returns the mean loss.
  double step(std::uint64_t number) {
    double loss = 0;
    std::vector<float> gradients;
    for (auto& layer : layers_) std::fill(layer.gradients.begin(), layer.gradients.end(), 0.0F);
    for (int micro_step = 0; micro_step < settings_.micro_steps; ++micro_step) {
      for (int rank = 0; rank < settings_.world_size(); ++rank) {
        const batch_index index{number, static_cast<std::uint64_t>(micro_step), static_cast<std::uint64_t>(rank)};
        const auto batch = draw_batch(text_, settings_.shape, settings_.seed, index);
        for (std::size_t l = 0; l < layers_.size(); ++l) model_.forward(l, layers_[l].parameters, batch);
        loss += model_.loss();
        for (std::size_t l = layers_.size(); l-- > 0;) {
          gradients.resize(layers_[l].gradients.size());
          model_.backward(l, layers_[l].parameters, batch, gradients);
          for (std::size_t i = 0; i < gradients.size(); ++i) layers_[l].gradients[i] += gradients[i];
        }
      }
    }
    const int micro_batches = settings_.micro_steps * settings_.world_size();
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

  settings settings_;
  std::span<const std::uint8_t> text_;
  language_model model_;
  std::vector<layer_state> layers_;
};

}  // namespace train_lm
