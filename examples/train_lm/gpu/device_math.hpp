#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include "../adamw_options.hpp"
#include "../tensors.hpp"
#include "../text.hpp"
#include "device_array.hpp"

namespace train_lm {

/// What host_math does, on a GPU: products by cuBLAS, in float32 throughout, the rest by small kernels. All spans are
/// device memory, but for those that load() reads; everything is enqueued on one stream.
/// A handle: stream and cuBLAS stay the caller's.
class device_math {
 public:
  using buffer = device_array<float>;
  struct batch {
    device_array<std::uint8_t> contexts, targets;
  };
  /// One double; made with room for it.
  struct number {
    device_array<double> value = device_array<double>(1);
  };

  device_math(cudaStream_t stream, cublasHandle_t products) : stream_(stream), products_(products) {}

  void load(std::span<const float> from, std::span<float> to) const;
  void load(const micro_batch& from, batch& to) const;
  /// Waits for the stream.
  [[nodiscard]] double read(const number& value) const;

  void fill(std::span<float> to, float value) const;
  void copy(std::span<const float> from, std::span<float> to) const;
  void add(std::span<const float> x, std::span<float> to) const;
  void clear(number& to) const;
  void add(const number& x, number& to) const;

  void linear(std::span<const float> weight, std::span<const float> bias, std::span<const float> x, std::span<float> y,
              std::size_t samples) const;
  void linear_gradient(std::span<const float> weight, std::span<const float> x, std::span<const float> dy,
                       std::span<float> d_weight, std::span<float> d_bias, std::span<float> dx,
                       std::size_t samples) const;

  void silu(std::span<const float> x, std::span<float> y) const;
  void silu_gradient(std::span<const float> x, std::span<float> d) const;

  void normalize(std::span<const float> gain, std::span<const float> x, std::span<float> y,
                 std::span<float> scale) const;
  void normalize_gradient(std::span<const float> gain, std::span<const float> x, std::span<const float> dy,
                          std::span<const float> scale, std::span<float> dot, std::span<float> d_gain,
                          std::span<float> dx) const;

  void look_up(std::span<const float> table, std::span<const std::uint8_t> contexts, std::span<float> features,
               const model_shape& shape) const;
  /// Adds in any order: two runs differ in the last bits.
  void look_up_gradient(std::span<const std::uint8_t> contexts, std::span<const float> d_features,
                        std::span<float> d_table, const model_shape& shape) const;

  void cross_entropy(std::span<float> scores, std::span<const std::uint8_t> targets, number& loss) const;
  void cross_entropy_gradient(std::span<float> probability, std::span<const std::uint8_t> targets) const;

  void adamw(std::span<float> parameters, std::span<const float> gradients, std::span<float> mean,
             std::span<float> square, const adamw_options& options, const adamw_rates& rates) const;

 private:
  cudaStream_t stream_;
  cublasHandle_t products_;
};

}  // namespace train_lm
