#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "adamw_options.hpp"
#include "host_math.hpp"

namespace train_lm {

/// AdamW (Loshchilov and Hutter, 2019) on any piece of the parameters: each element is updated on its own, so a rank
/// that holds a shard needs the moments of that shard only.
template <class Math> class adamw_on {
 public:
  adamw_on(std::size_t elements, adamw_options options, Math math = {})
      : math_(math), options_(options), mean_(elements), square_(elements) {}

  void step(std::span<float> parameters, std::span<const float> gradients) {
    ++steps_;
    const auto n = static_cast<float>(steps_);
    const adamw_rates rates{
        .learning_rate = options_.learning_rate * std::min(1.0F, n / static_cast<float>(options_.warm_up_steps)),
        .mean_scale = 1.0F / (1.0F - std::pow(options_.beta_1, n)),
        .square_scale = 1.0F / (1.0F - std::pow(options_.beta_2, n))};
    math_.adamw(parameters, gradients, mean_, square_, options_, rates);
  }

 private:
  Math math_;
  adamw_options options_;
  int steps_ = 0;
  typename Math::buffer mean_, square_;
};

using adamw = adamw_on<host_math>;

}  // namespace train_lm
