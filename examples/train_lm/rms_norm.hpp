#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace train_lm {

/// Scales every sample to a root mean square of one, then every feature by a learned gain.
class rms_norm {
 public:
  rms_norm(std::size_t width, std::size_t batch) : width_(width), batch_(batch), scale_(batch), dot_(batch) {}

  /// y = gain * x / rms(x).
  void forward(std::span<const float> gain, std::span<const float> x, std::span<float> y) {
    scale_.assign(batch_, 0.0F);
    for (std::size_t row = 0; row < width_; ++row) {
      for (std::size_t b = 0; b < batch_; ++b) scale_[b] += x[row * batch_ + b] * x[row * batch_ + b];
    }
    for (float& s : scale_) s = 1.0F / std::sqrt(s / static_cast<float>(width_) + 1e-5F);
    for (std::size_t row = 0; row < width_; ++row) {
      for (std::size_t b = 0; b < batch_; ++b) y[row * batch_ + b] = gain[row] * x[row * batch_ + b] * scale_[b];
    }
  }

  /// Adds to the gradient of the gain and to dx, from dy and the x of the forward pass.
  void backward(std::span<const float> gain, std::span<const float> x, std::span<const float> dy,
                std::span<float> gain_gradient, std::span<float> dx) {
    dot_.assign(batch_, 0.0F);
    for (std::size_t row = 0; row < width_; ++row) {
      for (std::size_t b = 0; b < batch_; ++b) {
        const std::size_t i = row * batch_ + b;
        gain_gradient[row] += dy[i] * x[i] * scale_[b];
        dot_[b] += dy[i] * gain[row] * x[i];
      }
    }
    for (std::size_t b = 0; b < batch_; ++b) dot_[b] *= scale_[b] * scale_[b] / static_cast<float>(width_);
    for (std::size_t row = 0; row < width_; ++row) {
      for (std::size_t b = 0; b < batch_; ++b) {
        const std::size_t i = row * batch_ + b;
        dx[i] += scale_[b] * (dy[i] * gain[row] - x[i] * dot_[b]);
      }
    }
  }

 private:
  std::size_t width_, batch_;
  std::vector<float> scale_;  // 1 / rms of every sample, kept for the backward pass
  std::vector<float> dot_;
};

}  // namespace train_lm
