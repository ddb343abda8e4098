#pragma once

#include <cstddef>
#include <optional>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/native/result.hpp>

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

/// Does it belong to whatever device is the thread's current one? Every other stream has its own.
inline bool is_default(cudaStream_t stream) noexcept {
  return stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread;
}

/// While one lives, a default stream is that of `device`: of NCCL's calls it is so by itself.
class stream_scope {
 public:
  stream_scope(cudaStream_t stream, int device) {
    if (is_default(stream)) current_.emplace(device);
  }

 private:
  std::optional<device_scope> current_{};
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
