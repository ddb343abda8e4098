#pragma once

#include <memory>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl {

/// A mark in a stream; cheap to copy, all copies are the same mark.
class event {
 public:
  event() = default;
  explicit event(cudaStream_t stream) : event(make()) { record(stream); }

  /// An event that was never recorded counts as passed.
  static event make() {
    cudaEvent_t raw = nullptr;
    check(cudaEventCreateWithFlags(&raw, cudaEventDisableTiming), "cudaEventCreateWithFlags");
    event made;
    made.handle_ = std::shared_ptr<CUevent_st>(raw, [](cudaEvent_t e) { cudaEventDestroy(e); });
    return made;
  }

  [[nodiscard]] bool exists() const noexcept { return handle_ != nullptr; }
  void record(cudaStream_t stream) const { check(cudaEventRecord(handle_.get(), stream), "cudaEventRecord"); }
  void hold_back(cudaStream_t stream) const {
    if (handle_) check(cudaStreamWaitEvent(stream, handle_.get(), 0), "cudaStreamWaitEvent");
  }
  /// Has the work before the mark ended? Failures of that work are not reported here.
  [[nodiscard]] bool passed() const {
    if (!handle_) return true;
    const beside_capture allowed;
    return cudaEventQuery(handle_.get()) == cudaSuccess;
  }

 private:
  std::shared_ptr<CUevent_st> handle_{};
};

}  // namespace mics::nccl
