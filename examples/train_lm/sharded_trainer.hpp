#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <mics/mics.hpp>
#include <mics/training.hpp>

#include "adamw.hpp"
#include "language_model.hpp"
#include "strategy.hpp"
#include "text.hpp"

namespace train_lm {

/// What one rank keeps of one layer: its shard of the parameters and of the optimizer's moments.
struct sharded_layer {
  mics::shard_layout layout;
  std::vector<float> parameters;
  adamw optimizer;
};

/// Trains the language model with sharded model states. A layer exists in full only while it computes.
/// All communication of the training is in this file: gather, hop 1 and hop 2.
template <class Groups> class sharded_trainer {
 public:
  sharded_trainer(Groups& groups, const strategy& how, const settings& s, std::span<const std::uint8_t> text)
      : groups_(groups),
        how_(how),
        settings_(s),
        text_(text),
        model_(s.shape),
        layers_(make_layers()),
        sync_(groups, layouts(),
              {.result = mics::gradient_result::mean, .hop_1 = {.how = how.hop_1}, .hop_2 = {.how = how.hop_2}}) {}

  /// One optimizer step; returns this rank's mean loss.
  double step(std::uint64_t number) {
    double loss = 0;
    for (int micro_step = 0; micro_step < settings_.micro_steps; ++micro_step) {
      const auto rank = static_cast<std::uint64_t>(groups_.world().rank());
      const auto batch =
          draw_batch(text_, settings_.shape, settings_.seed, {number, static_cast<std::uint64_t>(micro_step), rank});
      loss += learn(batch);
    }
    sync_.synchronize();  // hop 2: once a step, the accumulated shards become the mean over all replicas
    for (std::size_t l = 0; l < layers_.size(); ++l) layers_[l].optimizer.step(layers_[l].parameters, sync_.shard(l));
    sync_.reset();
    return loss / settings_.micro_steps;
  }

  /// Bytes of parameters, gradients and two moments that this rank keeps.
  [[nodiscard]] std::size_t state_bytes() const {
    std::size_t elements = 0;
    for (const auto& layer : layers_) elements += layer.parameters.size();
    return 4 * elements * sizeof(float);
  }

 private:
  double learn(const micro_batch& batch) {
    for (std::size_t l = 0; l < layers_.size(); ++l) model_.forward(l, gather(l), batch);
    for (std::size_t l = layers_.size(); l-- > 0;) {
      const std::span gradients = std::span(gradients_).first(layers_[l].layout.flat_elements());
      model_.backward(l, gather(l), batch, gradients);
      sync_.accumulate(l, gradients);  // hop 1: every micro-step, inside the partition group
    }
    return model_.loss();
  }

  // The whole layer, until the next one is gathered into the same memory.
  std::span<const float> gather(std::size_t layer) {
    const std::span full = std::span(full_).first(layers_[layer].layout.flat_elements());
    mics::all_gather(groups_.partition(), layers_[layer].parameters, full, mics::collective_options{.how = how_.hop_1});
    return full;
  }

  // Every rank draws the same start values and keeps its own shard of them.
  std::vector<sharded_layer> make_layers() {
    std::vector<sharded_layer> layers;
    const auto partition = groups_.partition();
    for (std::size_t l = 0; l < model_.layers(); ++l) {
      mics::shard_layout layout(model_.tensors(l), partition.size());
      std::vector<float> full(layout.flat_elements());
      model_.initialize(l, full, settings_.seed);
      const auto mine = layout.shard_range(partition.rank());
      const auto shard = std::span(full).subspan(mine.first, mine.size);
      layers.push_back({std::move(layout), {shard.begin(), shard.end()}, adamw(mine.size, settings_.optimizer)});
      full_.resize(std::max(full_.size(), full.size()));
    }
    gradients_.resize(full_.size());
    return layers;
  }

  std::vector<mics::shard_layout> layouts() const {
    std::vector<mics::shard_layout> all;
    for (const auto& layer : layers_) all.push_back(layer.layout);
    return all;
  }

  Groups& groups_;
  strategy how_;
  settings settings_;
  std::span<const std::uint8_t> text_;
  language_model model_;
  std::vector<float> full_, gradients_;  // room for one layer, the largest
  std::vector<sharded_layer> layers_;
  mics::gradient_sync<Groups> sync_;
};

}  // namespace train_lm
