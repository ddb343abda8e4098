#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/group/scratch.hpp>

namespace gpu {

/// C = A * B of square bfloat16 matrices of small whole numbers, as a stand-in for a model's computation.
class matrix_product {
 public:
  explicit matrix_product(int n);
  ~matrix_product();
  matrix_product(const matrix_product&) = delete;
  matrix_product& operator=(const matrix_product&) = delete;

  [[nodiscard]] std::size_t bytes() const { return 2 * static_cast<std::size_t>(n_) * static_cast<std::size_t>(n_); }
  [[nodiscard]] double flops() const { return 2.0 * n_ * n_ * n_; }

  void enqueue(cudaStream_t stream) const;

  /// Wrong elements of the last product among some that are computed again on the host. Waits for the device.
  [[nodiscard]] std::uint64_t wrong() const;

  static const char* computed_by();

 private:
  struct library;

  int n_;
  mics::nccl::device_bytes a_;
  mics::nccl::device_bytes b_;
  mics::nccl::device_bytes c_;
  std::unique_ptr<library> library_;
};

/// What the matrices hold: 0, 1 or 2.
float factor(std::uint64_t matrix, std::size_t at);

}  // namespace gpu
