#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "random.hpp"
#include "tensors.hpp"

namespace train_lm {

/// First layer: a learned vector for each byte of the context, all of them mixed into `width` features.
template <class Math> class embedding {
 public:
  embedding(const model_shape& shape, Math math)
      : math_(math),
        shape_(shape),
        features_(shape.context * shape.embedding * shape.batch),
        gradient_(features_.size()) {}

  [[nodiscard]] std::vector<std::size_t> tensors() const {
    return {256 * shape_.embedding, shape_.width * shape_.context * shape_.embedding, shape_.width};
  }

  void initialize(std::span<float> parameters, uniform draw) const {
    const auto [table, weight, bias] = split(parameters);
    for (float& value : table) value = draw(1.0F);
    const float bound = std::sqrt(3.0F / static_cast<float>(shape_.context * shape_.embedding));
    for (float& value : weight) value = draw(bound);
    std::fill(bias.begin(), bias.end(), 0.0F);
  }

  void forward(std::span<const float> parameters, std::span<const std::uint8_t> contexts, std::span<float> y) {
    const auto [table, weight, bias] = split(parameters);
    math_.look_up(table, contexts, features_, shape_);
    math_.linear(weight, bias, features_, y, shape_.batch);
  }

  void backward(std::span<const float> parameters, std::span<const std::uint8_t> contexts, std::span<const float> dy,
                std::span<float> gradients) {
    const auto [table, weight, bias] = split(parameters);
    const auto [d_table, d_weight, d_bias] = split(gradients);
    math_.linear_gradient(weight, features_, dy, d_weight, d_bias, gradient_, shape_.batch);
    math_.look_up_gradient(contexts, gradient_, d_table, shape_);
  }

 private:
  template <class T> struct tensor_set { std::span<T> table, weight, bias; };

  template <class T> tensor_set<T> split(std::span<T> flat) const {
    const auto sizes = tensors();
    tensor_reader<T> read(flat);
    return {read.next(sizes[0]), read.next(sizes[1]), read.next(sizes[2])};
  }

  Math math_;
  model_shape shape_;
  typename Math::buffer features_, gradient_;
};

}  // namespace train_lm
