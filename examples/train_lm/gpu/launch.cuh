#pragma once

#include <cstddef>

#include "device_array.hpp"

namespace train_lm::kernel {

constexpr unsigned threads = 256;

template <class Body> __global__ void run_for_each(std::size_t count, Body body) {
  const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < count) body(i);
}

template <class Body> __global__ void run_blocks(Body body) { body(std::size_t{blockIdx.x}, threadIdx.x); }

/// Calls body(i) on the GPU for all i < count, each in a thread of its own.
template <class Body> void for_each(std::size_t count, cudaStream_t stream, Body body) {
  if (count == 0) return;
  run_for_each<<<static_cast<unsigned>((count + threads - 1) / threads), threads, 0, stream>>>(count, body);
  check(cudaGetLastError(), "a kernel");
}

/// Calls body(i, thread) for all i < count and thread < threads; the threads of one i are a block.
template <class Body> void for_each_block(std::size_t count, cudaStream_t stream, Body body) {
  if (count == 0) return;
  run_blocks<<<static_cast<unsigned>(count), threads, 0, stream>>>(body);
  check(cudaGetLastError(), "a kernel");
}

struct plus {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct larger {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

/// What the values of all threads of the block come to; every thread gets it.
template <class Join> __device__ float join_block(float value, Join join) {
  __shared__ float of_warp[threads / 32];
  for (int apart = 16; apart > 0; apart /= 2) value = join(value, __shfl_xor_sync(0xffffffff, value, apart));
  __syncthreads();  // an earlier join has been read
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
  __syncthreads();
  value = of_warp[0];
  for (unsigned warp = 1; warp < threads / 32; ++warp) value = join(value, of_warp[warp]);
  return value;
}

}  // namespace train_lm::kernel
