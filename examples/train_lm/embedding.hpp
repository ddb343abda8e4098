#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "linear.hpp"
#include "random.hpp"
#include "tensors.hpp"

namespace train_lm {

/// First layer: a learned vector for each byte of the context, all of them mixed into `width` features.
class embedding {
 public:
  explicit embedding(const model_shape& shape)
      : shape_(shape), features_(shape.context * shape.embedding * shape.batch), gradient_(features_.size()) {}

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
    for_each_feature(contexts, [this, t = table](std::size_t entry, std::size_t at) { features_[at] = t[entry]; });
    linear_forward(weight, bias, features_, y, shape_.batch);
  }

  void backward(std::span<const float> parameters, std::span<const std::uint8_t> contexts, std::span<const float> dy,
                std::span<float> gradients) {
    const auto [table, weight, bias] = split(parameters);
    const auto [d_table, d_weight, d_bias] = split(gradients);
    linear_backward(weight, features_, dy, d_weight, d_bias, gradient_, shape_.batch);
    for_each_feature(contexts, [this, d = d_table](std::size_t entry, std::size_t at) { d[entry] += gradient_[at]; });
  }

 private:
  template <class T> struct tensor_set { std::span<T> table, weight, bias; };

  template <class T> tensor_set<T> split(std::span<T> flat) const {
    const auto sizes = tensors();
    tensor_reader<T> read(flat);
    return {read.next(sizes[0]), read.next(sizes[1]), read.next(sizes[2])};
  }

  // Calls visit(index in the table, index in [context * embedding x batch]) for everything that the contexts look up.
  template <class Visit> void for_each_feature(std::span<const std::uint8_t> contexts, Visit visit) const {
    for (std::size_t b = 0; b < shape_.batch; ++b) {
      for (std::size_t position = 0; position < shape_.context; ++position) {
        const std::size_t byte = contexts[b * shape_.context + position];
        for (std::size_t e = 0; e < shape_.embedding; ++e) {
          visit(byte * shape_.embedding + e, (position * shape_.embedding + e) * shape_.batch + b);
        }
      }
    }
  }

  model_shape shape_;
  std::vector<float> features_, gradient_;
};

}  // namespace train_lm
