#pragma once

namespace train_lm {

struct adamw_options {
  float learning_rate = 6e-3F;
  float beta_1 = 0.9F;
  float beta_2 = 0.98F;
  float epsilon = 1e-8F;
  float weight_decay = 0.01F;
  int warm_up_steps = 10;
};

/// What AdamW makes of its options at one step.
struct adamw_rates {
  float learning_rate, mean_scale, square_scale;
};

}  // namespace train_lm
