#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/native/result.hpp>

namespace gpu {

/// Two events around work in a stream, and the time between them by the GPU's clock.
class timer {
 public:
  timer() {
    mics::nccl::check(cudaEventCreate(&begin_), "cudaEventCreate");
    mics::nccl::check(cudaEventCreate(&end_), "cudaEventCreate");
  }
  ~timer() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  void start(cudaStream_t stream) const { mics::nccl::check(cudaEventRecord(begin_, stream), "cudaEventRecord"); }
  void stop(cudaStream_t stream) const { mics::nccl::check(cudaEventRecord(end_, stream), "cudaEventRecord"); }

  /// Once both have passed.
  [[nodiscard]] std::int64_t nanoseconds() const { return between(begin_, end_); }
  /// From the end of `earlier` to the end of this one; negative if this one ended first.
  [[nodiscard]] std::int64_t nanoseconds_behind(const timer& earlier) const { return between(earlier.end_, end_); }

 private:
  static std::int64_t between(cudaEvent_t from, cudaEvent_t to) {
    float milliseconds = 0;
    mics::nccl::check(cudaEventElapsedTime(&milliseconds, from, to), "cudaEventElapsedTime");
    return static_cast<std::int64_t>(static_cast<double>(milliseconds) * 1e6);
  }

  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

}  // namespace gpu
