#pragma once

#include <cstddef>
#include <span>

namespace train_lm {

/// Scales every sample to a root mean square of one, then every feature by a learned gain.
template <class Math> class rms_norm {
 public:
  rms_norm(std::size_t batch, Math math) : math_(math), scale_(batch), dot_(batch) {}

  /// y = gain * x / rms(x).
  void forward(std::span<const float> gain, std::span<const float> x, std::span<float> y) {
    math_.normalize(gain, x, y, scale_);
  }

  /// Adds to the gradient of the gain and to dx, from dy and the x of the forward pass.
  void backward(std::span<const float> gain, std::span<const float> x, std::span<const float> dy,
                std::span<float> gain_gradient, std::span<float> dx) {
    math_.normalize_gradient(gain, x, dy, scale_, dot_, gain_gradient, dx);
  }

 private:
  Math math_;
  typename Math::buffer scale_;  // 1 / rms of every sample, kept for the backward pass
  typename Math::buffer dot_;
};

}  // namespace train_lm
