#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "random.hpp"
#include "tensors.hpp"

namespace train_lm {

/// Samples that are computed together: `context` bytes each, and the byte that followed.
struct micro_batch {
  std::vector<std::uint8_t> contexts;
  std::vector<std::uint8_t> targets;
};

/// Which micro-batch of the training run: every micro-step of every rank has its own.
struct batch_index {
  std::uint64_t step;
  std::uint64_t micro_step;
  std::uint64_t rank;
};

/// Draws a micro-batch that depends on seed and index only: however the ranks are grouped, they see the same data.
inline micro_batch draw_batch(std::span<const std::uint8_t> text, const model_shape& shape, std::uint64_t seed,
                              batch_index index) {
  micro_batch batch;
  for (std::size_t sample = 0; sample < shape.batch; ++sample) {
    const auto first = hash({seed, index.step, index.micro_step, index.rank, sample}) % (text.size() - shape.context);
    const auto window = text.subspan(first, shape.context + 1);
    batch.contexts.insert(batch.contexts.end(), window.begin(), window.end() - 1);
    batch.targets.push_back(window.back());
  }
  return batch;
}

}  // namespace train_lm
