#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "block.hpp"
#include "embedding.hpp"
#include "head.hpp"
#include "host_math.hpp"
#include "random.hpp"
#include "tensors.hpp"
#include "text.hpp"

namespace train_lm {

/// The model guesses the next byte from the bytes before it; it owns activations only.
/// The parameters of a layer come as one flat buffer from outside, for the time of a single call: this is what lets a
/// trainer gather a layer just before its use and forget it right after.
template <class Math> class language_model_on {
 public:
  explicit language_model_on(const model_shape& shape, Math math = {})
      : math_(math),
        shape_(shape),
        embedding_(shape, math),
        head_(shape, math),
        x_(shape.width * shape.batch),
        dx_(x_.size()) {
    for (std::size_t i = 0; i < shape.blocks; ++i) blocks_.emplace_back(shape, math);
  }

  /// Embedding, blocks, head.
  [[nodiscard]] std::size_t layers() const { return blocks_.size() + 2; }

  /// Elements of each tensor of a layer, in the order in which they follow each other in its flat buffer.
  [[nodiscard]] std::vector<std::size_t> tensors(std::size_t layer) const {
    if (layer == 0) return embedding_.tensors();
    return layer < last() ? blocks_[layer - 1].tensors() : head_.tensors();
  }

  /// Writes the start values of a layer into memory of the host, the same ones for the same seed wherever this is
  /// called.
  void initialize(std::size_t layer, std::span<float> parameters, std::uint64_t seed) const {
    const uniform draw(hash({seed, layer}));
    if (layer == 0) return embedding_.initialize(parameters, draw);
    layer < last() ? blocks_[layer - 1].initialize(parameters, draw) : head_.initialize(parameters, draw);
  }

  /// Runs one layer on the micro-batch; layers follow in ascending order. The last one leaves the loss.
  void forward(std::size_t layer, std::span<const float> parameters, const typename Math::batch& batch) {
    if (layer == 0) return embedding_.forward(parameters, batch.contexts, x_);
    if (layer < last()) return blocks_[layer - 1].forward(parameters, x_);
    head_.forward(parameters, x_, batch.targets, loss_);
  }

  /// Writes one layer's gradients for the micro-batch; layers follow in descending order.
  void backward(std::size_t layer, std::span<const float> parameters, const typename Math::batch& batch,
                std::span<float> gradients) {
    math_.fill(gradients, 0.0F);
    if (layer == last()) return head_.backward(parameters, x_, batch.targets, dx_, gradients);
    if (layer > 0) return blocks_[layer - 1].backward(parameters, dx_, gradients);
    embedding_.backward(parameters, batch.contexts, dx_, gradients);
  }

  /// Mean loss of the last micro-batch, in nats a byte.
  [[nodiscard]] const typename Math::number& loss() const { return loss_; }

 private:
  [[nodiscard]] std::size_t last() const { return blocks_.size() + 1; }

  Math math_;
  model_shape shape_;
  embedding<Math> embedding_;
  std::vector<block<Math>> blocks_{};
  head<Math> head_;
  typename Math::buffer x_, dx_;
  typename Math::number loss_{};
};

using language_model = language_model_on<host_math>;

}  // namespace train_lm
