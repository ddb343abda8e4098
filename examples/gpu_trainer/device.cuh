#pragma once

#include <cstddef>
#include <utility>

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "check.hpp"

using bf16 = __nv_bfloat16;

/// Zeros in device memory.
template <class T> class device_array {
 public:
  device_array() = default;
  explicit device_array(std::size_t elements) {
    check(cudaMalloc(&memory_, elements * sizeof(T)));
    check(cudaMemset(memory_, 0, elements * sizeof(T)));
    check(cudaDeviceSynchronize());  // streams do not wait for the zeros
  }
  ~device_array() { cudaFree(memory_); }
  device_array(device_array&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}
  device_array& operator=(device_array&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }

  T* data() const { return memory_; }

 private:
  T* memory_ = nullptr;
};

template <class Body> __global__ void run_for_each(std::size_t count, Body body) {
  const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < count) body(i);
}

/// Calls body(i) on the GPU for all i < count, in the order of the stream.
template <class Body> void for_each(std::size_t count, cudaStream_t stream, Body body) {
  run_for_each<<<static_cast<unsigned>((count + 255) / 256), 256, 0, stream>>>(count, body);
  check(cudaGetLastError());
}
