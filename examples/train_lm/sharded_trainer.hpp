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
#include "planned_bytes.hpp"
#include "step_calls.hpp"
#include "strategy.hpp"
#include "text.hpp"

namespace train_lm {

/// What one rank keeps of one layer: its shard of the parameters and of the optimizer's moments.
template <class Rank> struct sharded_layer {
  mics::shard_layout layout;
  typename Rank::room parameters;
  adamw_on<typename Rank::math_type> optimizer;
};

/// Trains the language model with sharded model states. A layer exists in full only while it computes.
/// All communication of the training is in this file: gather, hop 1 and hop 2.
/// The rank (host_rank.hpp) says how and in which memory is computed, and has room for what is gathered and reduced.
/// `stream` is that of the math, where it has one: then computation and communication only line up in it, and the host
/// goes ahead. Without a stream every call returns when it is done.
template <class Groups, class Rank> class sharded_trainer {
  using math = typename Rank::math_type;
  using room = typename Rank::room;

 public:
  sharded_trainer(Groups& groups, const strategy& how, const settings& s, std::span<const std::uint8_t> text,
                  const Rank& here)
      : groups_(groups),
        math_(here.math()),
        how_(how),
        settings_(s),
        text_(text),
        model_(s.shape, math_),
        layers_(make_layers(here)),
        full_(here.make_room(largest_layer())),
        gradients_(here.make_room(largest_layer())),
        sync_(groups, layouts(),
              {.result = mics::gradient_result::mean, .hop_1 = {.how = how.hop_1}, .hop_2 = {.how = how.hop_2}}) {}

  /// One optimizer step; returns this rank's mean loss.
  template <class... Stream> double step(std::uint64_t number, Stream... stream) {
    math_.clear(loss_);
    for (int micro_step = 0; micro_step < settings_.micro_steps; ++micro_step) learn(number, micro_step, stream...);
    sync_.synchronize(stream...);  // hop 2: once a step, the accumulated shards become the mean over all replicas
    for (std::size_t l = 0; l < layers_.size(); ++l) layers_[l].optimizer.step(layers_[l].parameters, sync_.shard(l));
    sync_.reset();
    (groups_.world().synchronize(stream), ...);
    return math_.read(loss_) / settings_.micro_steps;
  }

  /// A micro-step that is forgotten: ranks have found each other before times are taken.
  template <class... Stream> void rehearse(Stream... stream) {
    learn(0, 0, stream...);
    sync_.synchronize(stream...);
    sync_.reset();
    (groups_.world().synchronize(stream), ...);
  }

  /// All collectives of one step.
  [[nodiscard]] std::vector<step_call> calls() {
    using mics::operation;
    std::vector<step_call> all;
    std::size_t shards = 0;
    const auto partition = groups_.partition().shape();
    for (const auto& layer : layers_) {
      const std::size_t bytes = layer.layout.flat_elements() * sizeof(float);
      all.push_back({operation::all_gather, how_.hop_1, partition, bytes, 2 * settings_.micro_steps, false});
      all.push_back({operation::reduce_scatter, how_.hop_1, partition, bytes, settings_.micro_steps, false});
      shards += layer.parameters.size() * sizeof(float);
    }
    if (groups_.topology().partition_size() < groups_.world().size()) {
      all.push_back({operation::all_reduce, how_.hop_2, groups_.replication().shape(), shards, 1, true});
    }
    return all;
  }

  /// What the plans of one step bring into the nodes, for transports that do not count; nothing where a plan does not
  /// know how its group lies on nodes.
  [[nodiscard]] link_bytes planned_step() {
    planned_bytes planned(settings_);
    for (const step_call& c : calls()) {
      const bool hop_2 = c.what == mics::operation::all_reduce;
      planned.add(c, plan_for(hop_2 ? groups_.replication() : groups_.partition(), c.what, c.bytes, c.asked));
    }
    return planned.step();
  }

  /// Bytes of parameters, gradients and two moments that this rank keeps.
  [[nodiscard]] std::size_t state_bytes() const {
    std::size_t elements = 0;
    for (const auto& layer : layers_) elements += layer.parameters.size();
    return 4 * elements * sizeof(float);
  }

 private:
  template <class... Stream> void learn(std::uint64_t step, int micro_step, Stream... stream) {
    const auto rank = static_cast<std::uint64_t>(groups_.world().rank());
    const batch_index index{step, static_cast<std::uint64_t>(micro_step), rank};
    math_.load(draw_batch(text_, settings_.shape, settings_.seed, index), batch_);
    for (std::size_t l = 0; l < layers_.size(); ++l) model_.forward(l, gather(l, stream...), batch_);
    for (std::size_t l = layers_.size(); l-- > 0;) {
      const std::span<float> gradients = std::span(gradients_).first(layers_[l].layout.flat_elements());
      model_.backward(l, gather(l, stream...), batch_, gradients);
      sync_.accumulate(l, gradients, stream...);  // hop 1: every micro-step, inside the partition group
    }
    math_.add(model_.loss(), loss_);
  }

  // The whole layer, until the next one is gathered into the same memory.
  template <class... Stream> std::span<const float> gather(std::size_t layer, Stream... stream) {
    const std::span<float> full = std::span(full_).first(layers_[layer].layout.flat_elements());
    mics::all_gather(groups_.partition(), layers_[layer].parameters, full, stream...,
                     mics::collective_options{.how = how_.hop_1});
    return full;
  }

  // Every rank draws the same start values and keeps its own shard of them.
  std::vector<sharded_layer<Rank>> make_layers(const Rank& here) {
    std::vector<sharded_layer<Rank>> layers;
    const auto partition = groups_.partition();
    for (std::size_t l = 0; l < model_.layers(); ++l) {
      mics::shard_layout layout(model_.tensors(l), partition.size());
      std::vector<float> full(layout.flat_elements());
      model_.initialize(l, full, settings_.seed);
      const auto mine = layout.shard_range(partition.rank());
      room shard = here.make_room(mine.size);
      math_.load(std::span<const float>(full).subspan(mine.first, mine.size), shard);
      layers.push_back({std::move(layout), std::move(shard), adamw_on<math>(mine.size, settings_.optimizer, math_)});
    }
    return layers;
  }

  std::size_t largest_layer() const {
    std::size_t largest = 0;
    for (const auto& layer : layers_) largest = std::max(largest, layer.layout.flat_elements());
    return largest;
  }

  std::vector<mics::shard_layout> layouts() const {
    std::vector<mics::shard_layout> all;
    for (const auto& layer : layers_) all.push_back(layer.layout);
    return all;
  }

  Groups& groups_;
  math math_;
  strategy how_;
  settings settings_;
  std::span<const std::uint8_t> text_;
  language_model_on<math> model_;
  std::vector<sharded_layer<Rank>> layers_;
  room full_, gradients_;  // room for one layer, the largest
  typename math::batch batch_{};
  typename math::number loss_{};
  mics::gradient_sync<Groups> sync_;
};

}  // namespace train_lm
