#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "adamw_options.hpp"
#include "linear.hpp"
#include "tensors.hpp"
#include "text.hpp"

namespace train_lm {

/// The loops under the model, on the host. Layers say what is computed, a math says how and in which memory: it is a
/// template argument of the model, and another one (gpu/device_math.hpp) computes the same on a GPU.
/// Matrices are row-major; activations are [features x batch], so a sample is a column.
struct host_math {
  using buffer = std::vector<float>;
  using batch = micro_batch;
  using number = double;

  // Between the host and the memory that is computed in.
  void load(std::span<const float> from, std::span<float> to) const { copy(from, to); }
  void load(micro_batch from, batch& to) const { to = std::move(from); }
  [[nodiscard]] double read(number value) const { return value; }

  void fill(std::span<float> to, float value) const { std::fill(to.begin(), to.end(), value); }
  void copy(std::span<const float> from, std::span<float> to) const { std::copy(from.begin(), from.end(), to.begin()); }
  /// to += x.
  void add(std::span<const float> x, std::span<float> to) const {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += x[i];
  }
  void clear(number& to) const { to = 0; }
  void add(number x, number& to) const { to += x; }

  /// y = W x + b.
  void linear(std::span<const float> weight, std::span<const float> bias, std::span<const float> x, std::span<float> y,
              std::size_t samples) const {
    linear_forward(weight, bias, x, y, samples);
  }
  /// Adds to the gradients of weight and bias, and writes dx.
  void linear_gradient(std::span<const float> weight, std::span<const float> x, std::span<const float> dy,
                       std::span<float> d_weight, std::span<float> d_bias, std::span<float> dx,
                       std::size_t samples) const {
    linear_backward(weight, x, dy, d_weight, d_bias, dx, samples);
  }

  /// y = x * sigmoid(x).
  void silu(std::span<const float> x, std::span<float> y) const {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * sigmoid(x[i]);
  }
  /// Turns the gradient of y (in d) into that of x.
  void silu_gradient(std::span<const float> x, std::span<float> d) const {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float s = sigmoid(x[i]);
      d[i] *= s * (1.0F + x[i] * (1.0F - s));
    }
  }

  /// y = gain * x / rms(x), sample by sample; `scale` is 1 / rms of each, for the backward pass.
  void normalize(std::span<const float> gain, std::span<const float> x, std::span<float> y,
                 std::span<float> scale) const;
  /// Adds to the gradient of the gain and to dx; `dot` is room for a number a sample.
  void normalize_gradient(std::span<const float> gain, std::span<const float> x, std::span<const float> dy,
                          std::span<const float> scale, std::span<float> dot, std::span<float> d_gain,
                          std::span<float> dx) const;

  /// Writes the vectors that the bytes of the contexts have in the table into [context * embedding x batch].
  void look_up(std::span<const float> table, std::span<const std::uint8_t> contexts, std::span<float> features,
               const model_shape& shape) const {
    for_each_feature(contexts, shape, [=](std::size_t entry, std::size_t at) { features[at] = table[entry]; });
  }
  /// Adds to the gradient of the table.
  void look_up_gradient(std::span<const std::uint8_t> contexts, std::span<const float> d_features,
                        std::span<float> d_table, const model_shape& shape) const {
    for_each_feature(contexts, shape, [=](std::size_t entry, std::size_t at) { d_table[entry] += d_features[at]; });
  }

  /// Turns scores [256 x batch] into probabilities; `loss` becomes the mean of -log(probability of the target).
  void cross_entropy(std::span<float> scores, std::span<const std::uint8_t> targets, number& loss) const;
  /// Turns the probabilities into the gradient of the loss by the scores.
  void cross_entropy_gradient(std::span<float> probability, std::span<const std::uint8_t> targets) const {
    // The gradient of softmax and loss together is probability - truth; the mean divides it by the batch.
    const std::size_t samples = targets.size();
    for (std::size_t b = 0; b < samples; ++b) probability[targets[b] * samples + b] -= 1.0F;
    for (float& value : probability) value /= static_cast<float>(samples);
  }

  /// One step of AdamW; `rates` are those of the step.
  void adamw(std::span<float> parameters, std::span<const float> gradients, std::span<float> mean,
             std::span<float> square, const adamw_options& options, const adamw_rates& rates) const {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const float g = gradients[i];
      mean[i] += (1.0F - options.beta_1) * (g - mean[i]);
      square[i] += (1.0F - options.beta_2) * (g * g - square[i]);
      const float update = mean[i] * rates.mean_scale / (std::sqrt(square[i] * rates.square_scale) + options.epsilon);
      parameters[i] -= rates.learning_rate * (update + options.weight_decay * parameters[i]);
    }
  }

 private:
  static float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

  // Calls visit(index in the table, index in [context * embedding x batch]) for everything that the contexts look up.
  template <class Visit>
  static void for_each_feature(std::span<const std::uint8_t> contexts, const model_shape& shape, Visit visit) {
    for (std::size_t b = 0; b < shape.batch; ++b) {
      for (std::size_t position = 0; position < shape.context; ++position) {
        const std::size_t byte = contexts[b * shape.context + position];
        for (std::size_t e = 0; e < shape.embedding; ++e) {
          visit(byte * shape.embedding + e, (position * shape.embedding + e) * shape.batch + b);
        }
      }
    }
  }
};

inline void host_math::normalize(std::span<const float> gain, std::span<const float> x, std::span<float> y,
                                 std::span<float> scale) const {
  const std::size_t width = gain.size();
  const std::size_t samples = scale.size();
  fill(scale, 0.0F);
  for (std::size_t row = 0; row < width; ++row) {
    for (std::size_t b = 0; b < samples; ++b) scale[b] += x[row * samples + b] * x[row * samples + b];
  }
  for (float& s : scale) s = 1.0F / std::sqrt(s / static_cast<float>(width) + norm_epsilon);
  for (std::size_t row = 0; row < width; ++row) {
    for (std::size_t b = 0; b < samples; ++b) y[row * samples + b] = gain[row] * x[row * samples + b] * scale[b];
  }
}

inline void host_math::normalize_gradient(std::span<const float> gain, std::span<const float> x,
                                          std::span<const float> dy, std::span<const float> scale, std::span<float> dot,
                                          std::span<float> d_gain, std::span<float> dx) const {
  const std::size_t width = gain.size();
  const std::size_t samples = scale.size();
  fill(dot, 0.0F);
  for (std::size_t row = 0; row < width; ++row) {
    for (std::size_t b = 0; b < samples; ++b) {
      const std::size_t i = row * samples + b;
      d_gain[row] += dy[i] * x[i] * scale[b];
      dot[b] += dy[i] * gain[row] * x[i];
    }
  }
  for (std::size_t b = 0; b < samples; ++b) dot[b] *= scale[b] * scale[b] / static_cast<float>(width);
  for (std::size_t row = 0; row < width; ++row) {
    for (std::size_t b = 0; b < samples; ++b) {
      const std::size_t i = row * samples + b;
      dx[i] += scale[b] * (dy[i] * gain[row] - x[i] * dot[b]);
    }
  }
}

inline void host_math::cross_entropy(std::span<float> scores, std::span<const std::uint8_t> targets,
                                     number& loss) const {
  const std::size_t samples = targets.size();
  loss = 0;
  for (std::size_t b = 0; b < samples; ++b) {
    const auto score = [=](std::size_t byte) -> float& { return scores[byte * samples + b]; };
    float largest = score(0);
    for (std::size_t byte = 1; byte < 256; ++byte) largest = std::max(largest, score(byte));
    float sum = 0;
    for (std::size_t byte = 0; byte < 256; ++byte) sum += score(byte) = std::exp(score(byte) - largest);
    for (std::size_t byte = 0; byte < 256; ++byte) score(byte) /= sum;
    loss -= std::log(std::max(static_cast<double>(score(targets[b])), least_probability));
  }
  loss /= static_cast<double>(samples);
}

}  // namespace train_lm
