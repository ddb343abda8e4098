#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "block.hpp"
#include "embedding.hpp"
#include "head.hpp"
#include "random.hpp"
#include "tensors.hpp"
#include "text.hpp"

namespace train_lm {

/// The model guesses the next byte from the bytes before it; it owns activations only.
/// The parameters of a layer come as one flat buffer from outside, for the time of a single call: this is what lets a
/// trainer gather a layer just before its use and forget it right after.
class language_model {
 public:
  explicit language_model(const model_shape& shape)
      : shape_(shape),
        embedding_(shape),
        blocks_(shape.blocks, block(shape)),
        head_(shape),
        x_(shape.width * shape.batch),
        dx_(x_.size()) {}

  /// Embedding, blocks, head.
  [[nodiscard]] std::size_t layers() const { return blocks_.size() + 2; }

  /// Elements of each tensor of a layer, in the order in which they follow each other in its flat buffer.
  [[nodiscard]] std::vector<std::size_t> tensors(std::size_t layer) const {
    if (layer == 0) return embedding_.tensors();
    return layer < last() ? blocks_[layer - 1].tensors() : head_.tensors();
  }

  /// Writes the start values of a layer, the same ones for the same seed wherever this is called.
  void initialize(std::size_t layer, std::span<float> parameters, std::uint64_t seed) const {
    const uniform draw(hash({seed, layer}));
    if (layer == 0) return embedding_.initialize(parameters, draw);
    layer < last() ? blocks_[layer - 1].initialize(parameters, draw) : head_.initialize(parameters, draw);
  }

  /// Runs one layer on the micro-batch; layers follow in ascending order. The last one leaves the loss.
  void forward(std::size_t layer, std::span<const float> parameters, const micro_batch& batch) {
    if (layer == 0) return embedding_.forward(parameters, batch.contexts, x_);
    if (layer < last()) return blocks_[layer - 1].forward(parameters, x_);
    loss_ = head_.forward(parameters, x_, batch.targets);
  }

  /// Writes one layer's gradients for the micro-batch; layers follow in descending order.
  void backward(std::size_t layer, std::span<const float> parameters, const micro_batch& batch,
                std::span<float> gradients) {
    std::fill(gradients.begin(), gradients.end(), 0.0F);
    if (layer == last()) return head_.backward(parameters, x_, batch.targets, dx_, gradients);
    if (layer > 0) return blocks_[layer - 1].backward(parameters, dx_, gradients);
    embedding_.backward(parameters, batch.contexts, dx_, gradients);
  }

  /// Mean loss of the last micro-batch, in nats a byte.
  [[nodiscard]] double loss() const { return loss_; }

 private:
  [[nodiscard]] std::size_t last() const { return blocks_.size() + 1; }

  model_shape shape_;
  embedding embedding_;
  std::vector<block> blocks_;
  head head_;
  std::vector<float> x_, dx_;
  double loss_ = 0;
};

}  // namespace train_lm
