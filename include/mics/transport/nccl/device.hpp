#pragma once

#include <cstddef>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/result.hpp>

namespace mics::nccl {

/// Makes a device the thread's current one, and the former one again at the end.
class device_scope {
 public:
  explicit device_scope(int device) {
    check(cudaGetDevice(&before_), "cudaGetDevice");
    if (device == before_) return;
    check(cudaSetDevice(device), "cudaSetDevice");
    changed_ = true;
  }
  ~device_scope() {
    if (changed_) cudaSetDevice(before_);
  }
  device_scope(const device_scope&) = delete;
  device_scope& operator=(const device_scope&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};

/// While one lives, this thread may ask CUDA what it forbids while a graph is captured, though nothing of it is
/// recorded: e.g. whether an event has passed.
class beside_capture {
 public:
  beside_capture() { cudaThreadExchangeStreamCaptureMode(&other_); }
  ~beside_capture() { cudaThreadExchangeStreamCaptureMode(&other_); }
  beside_capture(const beside_capture&) = delete;
  beside_capture& operator=(const beside_capture&) = delete;

 private:
  cudaStreamCaptureMode other_ = cudaStreamCaptureModeRelaxed;
};

/// Device memory that is free on a device.
inline std::size_t free_bytes(int device) {
  const device_scope current(device);
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

/// Is work on this stream being recorded into a graph instead of running?
inline bool is_capturing(cudaStream_t stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(stream, &status), "cudaStreamIsCapturing");
  return status != cudaStreamCaptureStatusNone;
}

}  // namespace mics::nccl
