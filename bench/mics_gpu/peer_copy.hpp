#pragma once

#include <cstddef>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl.hpp>

#include "workbench.hpp"

namespace gpu {

/// A plain copy from device 0 to device 1, by rank 0 alone: processes cannot copy between each other's devices this
/// way. It is what no gather between two GPUs can beat.
class peer_copy {
 public:
  /// Collective.
  peer_copy(workbench& on, std::size_t bytes) : mine_(on.here.world().rank() == 0) {
    int devices = 0;
    if (mine_) mics::nccl::check(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
    std::vector<std::int64_t> most{devices};
    on.station.fold_numbers(most, perf::fold::max);
    possible_ = most[0] >= 2;
    if (!mine_ || !possible_) return;
    from_ = mics::nccl::allocate_device(bytes);
    const mics::nccl::device_scope other(to_device);
    to_ = mics::nccl::allocate_device(bytes);
    reach(on.here.device());
  }

  /// The same on every rank.
  [[nodiscard]] bool possible() const { return possible_; }

  /// Nothing on ranks other than 0.
  void enqueue(std::size_t bytes, cudaStream_t stream) const {
    if (!mine_) return;
    mics::nccl::check(cudaMemcpyPeerAsync(to_.get(), to_device, from_.get(), from_device, bytes, stream),
                      "cudaMemcpyPeerAsync");
  }

 private:
  static constexpr int from_device = 0;  // rank 0's
  static constexpr int to_device = 1;

  /// Without it a copy goes through the host. NCCL may have done it already.
  static void reach(int own) {
    const auto enable = [](int at, int peer) {
      const mics::nccl::device_scope current(at);
      const cudaError_t result = cudaDeviceEnablePeerAccess(peer, 0);
      if (result == cudaErrorPeerAccessAlreadyEnabled) {
        static_cast<void>(cudaGetLastError());
      } else {
        mics::nccl::check(result, "cudaDeviceEnablePeerAccess");
      }
    };
    enable(own, to_device);
    enable(to_device, own);
  }

  bool mine_;
  bool possible_ = false;
  mics::nccl::device_bytes from_{};
  mics::nccl::device_bytes to_{};
};

}  // namespace gpu
