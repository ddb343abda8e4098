#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "random.hpp"
#include "rms_norm.hpp"
#include "tensors.hpp"

namespace train_lm {

/// Last layer: a probability for each of the 256 possible next bytes, and the loss, -log(probability of the true one).
template <class Math> class head {
 public:
  head(const model_shape& shape, Math math)
      : math_(math),
        shape_(shape),
        norm_(shape.batch, math),
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

  /// `loss` becomes the mean of the micro-batch, in nats a byte.
  void forward(std::span<const float> parameters, std::span<const float> x, std::span<const std::uint8_t> targets,
               typename Math::number& loss) {
    const auto [gain, weight, bias] = split(parameters);
    norm_.forward(gain, x, normed_);
    math_.linear(weight, bias, normed_, probability_, shape_.batch);
    math_.cross_entropy(probability_, targets, loss);
  }

  /// Writes the gradient of x; adds to the gradients of the parameters.
  void backward(std::span<const float> parameters, std::span<const float> x, std::span<const std::uint8_t> targets,
                std::span<float> dx, std::span<float> gradients) {
    const auto [gain, weight, bias] = split(parameters);
    const auto [d_gain, d_weight, d_bias] = split(gradients);
    math_.cross_entropy_gradient(probability_, targets);
    math_.linear_gradient(weight, normed_, probability_, d_weight, d_bias, gradient_, shape_.batch);
    math_.fill(dx, 0.0F);
    norm_.backward(gain, x, gradient_, d_gain, dx);
  }

 private:
  template <class T> struct tensor_set { std::span<T> gain, weight, bias; };

  template <class T> tensor_set<T> split(std::span<T> flat) const {
    const auto sizes = tensors();
    tensor_reader<T> read(flat);
    return {read.next(sizes[0]), read.next(sizes[1]), read.next(sizes[2])};
  }

  Math math_;
  model_shape shape_;
  rms_norm<Math> norm_;
  typename Math::buffer normed_, gradient_, probability_;
};

}  // namespace train_lm
