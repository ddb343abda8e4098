#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <cuda_runtime_api.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl {

/// Refuses buffers and streams that the group's GPU cannot use. Asking CUDA takes longer than all the rest of a call,
/// so what was fine is remembered, and stays so when it is freed: CUDA's runtime has no cheap number for an allocation.
class memory_check {
 public:
  /// `memory` is device memory of `device`. Throws usage_error, with what it is instead; `where()` is its context.
  template <class Where> void require_buffer(const char* name, const void* memory, int device, Where where) {
    const void*& known = buffers_[place_of(memory, buffers_.size())];
    if (memory == nullptr || known == memory) return;
    cudaPointerAttributes facts{};
    check(cudaPointerGetAttributes(&facts, memory), "cudaPointerGetAttributes");
    if (facts.type != cudaMemoryTypeDevice && facts.type != cudaMemoryTypeManaged) {
      throw usage_error(std::string(name) + " is memory of the host; NCCL needs device memory", where());
    }
    if (facts.type == cudaMemoryTypeDevice && facts.device != device) {
      throw usage_error(std::string(name) + " lies on device " + std::to_string(facts.device) +
                            ", but the communicator is on device " + std::to_string(device),
                        where());
    }
    known = memory;
  }

  /// `stream` belongs to `device`; a default stream belongs to whatever device is current.
  template <class Where> void require_stream(cudaStream_t stream, int device, Where where) {
#if CUDART_VERSION >= 12080
    cudaStream_t& known = streams_[place_of(stream, streams_.size())];
    if (is_default(stream) || known == stream) return;
    int its_device = device;
    const cudaError_t answer = cudaStreamGetDevice(stream, &its_device);
    if (answer == cudaErrorCallRequiresNewerDriver)
      static_cast<void>(cudaGetLastError());  // then nobody knows
    else
      check(answer, "cudaStreamGetDevice");
    if (its_device != device) {
      throw usage_error("the stream is on device " + std::to_string(its_device) + ", but the communicator on device " +
                            std::to_string(device),
                        where());
    }
    known = stream;
#else
    static_cast<void>(stream), static_cast<void>(device), static_cast<void>(where);
#endif
  }

 private:
  /// Allocations begin at multiples of large powers of two, so all bits of an address must count.
  static std::size_t place_of(const void* address, std::size_t places) noexcept {
    const std::uint64_t mixed = (reinterpret_cast<std::uintptr_t>(address) >> 6) * std::uint64_t{0x9e3779b97f4a7c15};
    return static_cast<std::size_t>(mixed >> 32) % places;
  }

  std::array<const void*, 64> buffers_{};
  std::array<cudaStream_t, 8> streams_{};
};

}  // namespace mics::nccl
