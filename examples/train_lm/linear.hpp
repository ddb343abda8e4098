#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "matrix.hpp"

namespace train_lm {

// Activations are matrices of [features x batch]: a sample is a column, so a layer reads y = W x + b as on paper.

/// y = W x + b.
inline void linear_forward(std::span<const float> weight, std::span<const float> bias, std::span<const float> x,
                           std::span<float> y, std::size_t batch) {
  for (std::size_t row = 0; row < bias.size(); ++row) {
    std::fill_n(y.begin() + static_cast<std::ptrdiff_t>(row * batch), batch, bias[row]);
  }
  add_product(matrix(weight, x.size() / batch), x, y, batch);
}

/// Adds what dy says to the gradients of weight and bias, and writes dx = transposed(W) dy.
inline void linear_backward(std::span<const float> weight, std::span<const float> x, std::span<const float> dy,
                            std::span<float> weight_gradient, std::span<float> bias_gradient, std::span<float> dx,
                            std::size_t batch) {
  const std::size_t features = x.size() / batch;
  add_product(matrix(dy, batch), dense(matrix(x, batch).transposed()), weight_gradient, features);
  for (std::size_t row = 0; row < bias_gradient.size(); ++row) {
    for (const float value : dy.subspan(row * batch, batch)) bias_gradient[row] += value;
  }
  std::fill(dx.begin(), dx.end(), 0.0F);
  add_product(matrix(weight, features).transposed(), dy, dx, batch);
}

}  // namespace train_lm
