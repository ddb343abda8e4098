#pragma once

#include <cstddef>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl.hpp>

#include "workbench.hpp"

namespace gpu {

/// Plain copies from a rank's device to the next one, between buffers of its own process. They are what no gather
/// between two GPUs can beat.
class peer_copy {
 public:
  enum class by { first_rank, every_rank };

  /// Collective.
  peer_copy(workbench& on, std::size_t bytes, by whom)
      : mine_(whom == by::every_rank || on.here.world().rank() == 0), from_device_(on.here.device()) {
    int devices = 0;
    mics::nccl::check(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
    std::vector<std::int64_t> fewest{devices};
    on.station.fold_numbers(fewest, perf::fold::min);
    possible_ = fewest[0] >= 2;
    if (!mine_ || !possible_) return;
    to_device_ = (from_device_ + 1) % devices;
    from_ = mics::nccl::allocate_device(bytes);
    const mics::nccl::device_scope other(to_device_);
    to_ = mics::nccl::allocate_device(bytes);
    reach(from_device_, to_device_);
  }

  /// The same on every rank.
  [[nodiscard]] bool possible() const { return possible_; }

  /// Nothing on ranks that do not copy.
  void enqueue(std::size_t bytes, cudaStream_t stream) const {
    if (!mine_) return;
    mics::nccl::check(cudaMemcpyPeerAsync(to_.get(), to_device_, from_.get(), from_device_, bytes, stream),
                      "cudaMemcpyPeerAsync");
  }

 private:
  /// Without it a copy goes through the host. NCCL may have done it already.
  static void reach(int one, int other) {
    const auto enable = [](int at, int peer) {
      const mics::nccl::device_scope current(at);
      const cudaError_t result = cudaDeviceEnablePeerAccess(peer, 0);
      if (result == cudaErrorPeerAccessAlreadyEnabled) {
        static_cast<void>(cudaGetLastError());
      } else {
        mics::nccl::check(result, "cudaDeviceEnablePeerAccess");
      }
    };
    enable(one, other);
    enable(other, one);
  }

  bool mine_;
  int from_device_;
  int to_device_ = 0;
  bool possible_ = false;
  mics::nccl::device_bytes from_{};
  mics::nccl::device_bytes to_{};
};

}  // namespace gpu
