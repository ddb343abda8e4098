#pragma once

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include <cuda_runtime_api.h>

namespace train_lm {

/// Throws std::runtime_error in CUDA's words.
inline void check(cudaError_t result, const char* call) {
  if (result != cudaSuccess) throw std::runtime_error(std::string(call) + " failed: " + cudaGetErrorString(result));
}

/// Zeros in the memory of the current device, with the looks of a vector; the host cannot read the elements.
template <class T> class device_array {
 public:
  device_array() = default;
  explicit device_array(std::size_t elements) : size_(elements) {
    const std::size_t bytes = std::max<std::size_t>(elements, 1) * sizeof(T);
    check(cudaMalloc(reinterpret_cast<void**>(&memory_), bytes), "cudaMalloc");
    check(cudaMemset(memory_, 0, bytes), "cudaMemset");
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");  // streams do not wait for the zeros
  }
  ~device_array() { cudaFree(memory_); }
  device_array(device_array&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  device_array& operator=(device_array&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T* data() noexcept { return memory_; }
  [[nodiscard]] const T* data() const noexcept { return memory_; }
  [[nodiscard]] T* begin() noexcept { return memory_; }
  [[nodiscard]] T* end() noexcept { return memory_ + size_; }
  [[nodiscard]] const T* begin() const noexcept { return memory_; }
  [[nodiscard]] const T* end() const noexcept { return memory_ + size_; }

 private:
  T* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace train_lm
