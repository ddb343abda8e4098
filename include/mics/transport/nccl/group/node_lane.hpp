#pragma once

#include <memory>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/native/event.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl {

/// A stream of a group's own, in which the node stages run beside the rail stages where an operation moves in pieces.
/// The rail stages stay in the caller's stream, which is made to wait for this one: for the caller there is one stream.
class node_lane {
 public:
  [[nodiscard]] bool exists() const noexcept { return stream_ != nullptr; }
  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_.get(); }

  /// On the current device; never while a graph is captured.
  void make() {
    cudaStream_t raw = nullptr;
    check(cudaStreamCreateWithFlags(&raw, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    stream_ = std::shared_ptr<CUstream_st>(raw, [](cudaStream_t s) { cudaStreamDestroy(s); });
    rail_ = event::make();
    node_ = event::make();
  }

  /// What comes next in the lane follows what lies in the caller's stream so far; ...
  void fork(cudaStream_t callers) const {
    rail_.record(callers);
    rail_.hold_back(stream());
  }
  /// ... and the reverse. A graph that is captured in the caller's stream takes in what lies between the two.
  void join(cudaStream_t callers) const {
    node_.record(stream());
    node_.hold_back(callers);
  }

 private:
  std::shared_ptr<CUstream_st> stream_{};
  event rail_{};
  event node_{};
};

}  // namespace mics::nccl
