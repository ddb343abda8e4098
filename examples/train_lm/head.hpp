#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "linear.hpp"
#include "random.hpp"
#include "rms_norm.hpp"
#include "tensors.hpp"

namespace train_lm {

/// Last layer: a probability for each of the 256 possible next bytes, and the loss, -log(probability of the true one).
class head {
 public:
  explicit head(const model_shape& shape)
      : shape_(shape),
        norm_(shape.width, shape.batch),
        normed_(shape.width * shape.batch),
        gradient_(normed_.size()),
        probability_(256 * shape.batch) {}

  [[nodiscard]] std::vector<std::size_t> tensors() const { return {shape_.width, 256 * shape_.width, 256}; }

  void initialize(std::span<float> parameters, uniform draw) const {
    const auto [gain, weight, bias] = split(parameters);
    std::fill(gain.begin(), gain.end(), 1.0F);
    const float bound = std::sqrt(3.0F / static_cast<float>(shape_.width));
    for (float& value : weight) value = draw(bound);
    std::fill(bias.begin(), bias.end(), 0.0F);
  }

  /// The mean loss of the micro-batch, in nats a byte.
  double forward(std::span<const float> parameters, std::span<const float> x, std::span<const std::uint8_t> targets) {
    const auto [gain, weight, bias] = split(parameters);
    norm_.forward(gain, x, normed_);
    linear_forward(weight, bias, normed_, probability_, shape_.batch);
    double loss = 0;
    for (std::size_t b = 0; b < shape_.batch; ++b) loss -= std::log(softmax(b, targets[b]));
    return loss / static_cast<double>(shape_.batch);
  }

  /// Writes the gradient of x; adds to the gradients of the parameters.
  void backward(std::span<const float> parameters, std::span<const float> x, std::span<const std::uint8_t> targets,
                std::span<float> dx, std::span<float> gradients) {
    const auto [gain, weight, bias] = split(parameters);
    const auto [d_gain, d_weight, d_bias] = split(gradients);
    // The gradient of softmax and loss together is probability - truth; the mean divides it by the batch.
    for (std::size_t b = 0; b < shape_.batch; ++b) probability_[targets[b] * shape_.batch + b] -= 1.0F;
    for (float& value : probability_) value /= static_cast<float>(shape_.batch);
    linear_backward(weight, normed_, probability_, d_weight, d_bias, gradient_, shape_.batch);
    std::fill(dx.begin(), dx.end(), 0.0F);
    norm_.backward(gain, x, gradient_, d_gain, dx);
  }

 private:
  template <class T> struct tensor_set { std::span<T> gain, weight, bias; };

  template <class T> tensor_set<T> split(std::span<T> flat) const {
    const auto sizes = tensors();
    tensor_reader<T> read(flat);
    return {read.next(sizes[0]), read.next(sizes[1]), read.next(sizes[2])};
  }

  // Turns the scores of one sample into probabilities; returns that of the true byte.
  double softmax(std::size_t sample, std::size_t target) {
    const auto score = [this, sample](std::size_t byte) -> float& {
      return probability_[byte * shape_.batch + sample];
    };
    float largest = score(0);
    for (std::size_t byte = 1; byte < 256; ++byte) largest = std::max(largest, score(byte));
    float sum = 0;
    for (std::size_t byte = 0; byte < 256; ++byte) sum += score(byte) = std::exp(score(byte) - largest);
    for (std::size_t byte = 0; byte < 256; ++byte) score(byte) /= sum;
    return std::max(static_cast<double>(score(target)), 1e-30);
  }

  model_shape shape_;
  rms_norm norm_;
  std::vector<float> normed_, gradient_, probability_;
};

}  // namespace train_lm
