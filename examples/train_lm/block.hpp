#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "random.hpp"
#include "rms_norm.hpp"
#include "tensors.hpp"

namespace train_lm {

/// A residual layer: x + W2 silu(W1 norm(x) + b1) + b2.
template <class Math> class block {
 public:
  block(const model_shape& shape, Math math)
      : math_(math),
        shape_(shape),
        norm_(shape.batch, math),
        input_(shape.width * shape.batch),
        normed_(input_.size()),
        before_(shape.hidden() * shape.batch),
        after_(before_.size()),
        d_normed_(input_.size()),
        d_hidden_(before_.size()) {}

  [[nodiscard]] std::vector<std::size_t> tensors() const {
    const std::size_t width = shape_.width;
    const std::size_t hidden = shape_.hidden();
    return {width, hidden * width, hidden, width * hidden, width};
  }

  void initialize(std::span<float> parameters, uniform draw) const {
    const auto [gain, weight_1, bias_1, weight_2, bias_2] = split(parameters);
    std::fill(parameters.begin(), parameters.end(), 0.0F);
    std::fill(gain.begin(), gain.end(), 1.0F);
    for (float& value : weight_1) value = draw(std::sqrt(3.0F / static_cast<float>(shape_.width)));
    // The sum over all blocks starts about as large as its first term.
    const float depth = std::sqrt(static_cast<float>(std::max<std::size_t>(1, shape_.blocks)));
    for (float& value : weight_2) value = draw(std::sqrt(3.0F / static_cast<float>(shape_.hidden())) / depth);
  }

  /// Adds the block's result to x.
  void forward(std::span<const float> parameters, std::span<float> x) {
    const auto [gain, weight_1, bias_1, weight_2, bias_2] = split(parameters);
    math_.copy(x, input_);
    norm_.forward(gain, input_, normed_);
    math_.linear(weight_1, bias_1, normed_, before_, shape_.batch);
    math_.silu(before_, after_);
    math_.linear(weight_2, bias_2, after_, x, shape_.batch);
    math_.add(input_, x);
  }

  /// Turns the gradient of the result (in dx) into that of x; adds to the gradients of the parameters.
  void backward(std::span<const float> parameters, std::span<float> dx, std::span<float> gradients) {
    const auto [gain, weight_1, bias_1, weight_2, bias_2] = split(parameters);
    const auto [d_gain, d_weight_1, d_bias_1, d_weight_2, d_bias_2] = split(gradients);
    math_.linear_gradient(weight_2, after_, dx, d_weight_2, d_bias_2, d_hidden_, shape_.batch);
    math_.silu_gradient(before_, d_hidden_);
    math_.linear_gradient(weight_1, normed_, d_hidden_, d_weight_1, d_bias_1, d_normed_, shape_.batch);
    norm_.backward(gain, input_, d_normed_, d_gain, dx);
  }

 private:
  template <class T> struct tensor_set { std::span<T> gain, weight_1, bias_1, weight_2, bias_2; };

  template <class T> tensor_set<T> split(std::span<T> flat) const {
    const auto sizes = tensors();
    tensor_reader<T> read(flat);
    return {read.next(sizes[0]), read.next(sizes[1]), read.next(sizes[2]), read.next(sizes[3]), read.next(sizes[4])};
  }

  Math math_;
  model_shape shape_;
  rms_norm<Math> norm_;
  typename Math::buffer input_, normed_, before_, after_;  // what the backward pass needs of the forward pass
  typename Math::buffer d_normed_, d_hidden_;
};

}  // namespace train_lm
