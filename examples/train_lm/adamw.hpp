#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace train_lm {

struct adamw_options {
  float learning_rate = 6e-3F;
  float beta_1 = 0.9F;
  float beta_2 = 0.98F;
  float epsilon = 1e-8F;
  float weight_decay = 0.01F;
  int warm_up_steps = 10;
};

/// AdamW (Loshchilov and Hutter, 2019) on any piece of the parameters: each element is updated on its own, so a rank
/// that holds a shard needs the moments of that shard only.
class adamw {
 public:
  explicit adamw(std::size_t elements, adamw_options options) : options_(options), mean_(elements), square_(elements) {}

  void step(std::span<float> parameters, std::span<const float> gradients) {
    ++steps_;
    const auto n = static_cast<float>(steps_);
    const float rate = options_.learning_rate * std::min(1.0F, n / static_cast<float>(options_.warm_up_steps));
    const float mean_scale = 1.0F / (1.0F - std::pow(options_.beta_1, n));
    const float square_scale = 1.0F / (1.0F - std::pow(options_.beta_2, n));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const float g = gradients[i];
      mean_[i] += (1.0F - options_.beta_1) * (g - mean_[i]);
      square_[i] += (1.0F - options_.beta_2) * (g * g - square_[i]);
      const float update = mean_[i] * mean_scale / (std::sqrt(square_[i] * square_scale) + options_.epsilon);
      parameters[i] -= rate * (update + options_.weight_decay * parameters[i]);
    }
  }

 private:
  adamw_options options_;
  int steps_ = 0;
  std::vector<float> mean_, square_;
};

}  // namespace train_lm
