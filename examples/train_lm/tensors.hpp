#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace train_lm {

/// Hands out a layer's tensors one after the other from its flat buffer, in the order in which the layer declares them.
template <class T> class tensor_reader {
 public:
  explicit tensor_reader(std::span<T> flat) : rest_(flat) {}

  std::span<T> next(std::size_t elements) {
    const auto tensor = rest_.first(elements);
    rest_ = rest_.subspan(elements);
    return tensor;
  }

 private:
  std::span<T> rest_;
};

inline constexpr float norm_epsilon = 1e-5F;
inline constexpr double least_probability = 1e-30;

/// The size of everything in the model, and the number of samples that are computed together.
struct model_shape {
  std::size_t context = 16;   ///< bytes that are seen to guess the next one
  std::size_t width = 128;    ///< features a sample between the layers
  std::size_t blocks = 3;     ///< residual blocks between embedding and head
  std::size_t batch = 32;     ///< samples of a micro-batch
  std::size_t embedding = 8;  ///< features a byte of the context

  [[nodiscard]] std::size_t hidden() const { return 2 * width; }
};

}  // namespace train_lm
