#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <cuda_runtime_api.h>

#include <mics/training/gradient_store.hpp>
#include <mics/transport/nccl/communicator.hpp>
#include <mics/transport/nccl/group_memory.hpp>
#include <mics/transport/nccl/kernels.hpp>
#include <mics/types.hpp>

namespace mics::detail {

/// The memory of a gradient_sync on the GPU that is current when it is made, and the passes over it as kernels.
/// (Freeing device memory waits for the work on it, so nothing need be kept alive.)
template <transportable Gradient, transportable Accumulator>
class gradient_store<nccl::communicator_ref, Gradient, Accumulator> {
 public:
  gradient_store(const nccl::communicator_ref& group, std::size_t accumulated, std::size_t incoming)
      : accumulated_elements_(accumulated), incoming_elements_(incoming) {
    nccl::required_kernels("gradient_sync over NCCL");
    accumulated_ = zeros(group, accumulated * sizeof(Accumulator));
    incoming_ = zeros(group, incoming * sizeof(Gradient));
  }

  [[nodiscard]] std::span<Accumulator> accumulated() const noexcept {
    return {reinterpret_cast<Accumulator*>(accumulated_.get()), accumulated_elements_};
  }
  [[nodiscard]] std::span<Gradient> incoming() const noexcept {
    return {reinterpret_cast<Gradient*>(incoming_.get()), incoming_elements_};
  }

  void take(std::span<Accumulator> sum, std::span<const Gradient> gradients, bool first, cudaStream_t stream) const {
    const nccl::kernels& gpu = nccl::device_kernels();
    if (!first) return gpu.add(sum.data(), wide, gradients.data(), given, sum.size(), stream);
    if constexpr (given == wide) {
      nccl::check(cudaMemcpyAsync(sum.data(), gradients.data(), sum.size_bytes(), cudaMemcpyDeviceToDevice, stream),
                  "cudaMemcpyAsync");
    } else {
      gpu.convert(gradients.data(), given, sum.data(), wide, sum.size(), stream);
    }
  }

  void keep(cudaStream_t) const {}

  void divide(std::span<Accumulator> sums, double divisor, cudaStream_t stream) const {
    if (divisor == 1) return;
    nccl::device_kernels().scale(sums.data(), wide, 1.0 / divisor, sums.size(), stream);
  }

 private:
  static constexpr data_type given = data_type_of<Gradient>;
  static constexpr data_type wide = data_type_of<Accumulator>;

  static nccl::group_memory zeros(const nccl::communicator_ref& group, std::size_t bytes) {
    nccl::group_memory memory = nccl::allocate_for(group, bytes);
    nccl::check(cudaMemset(memory.get(), 0, bytes), "cudaMemset");
    nccl::check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");  // streams need not wait for the default one
    return memory;
  }

  nccl::group_memory accumulated_{};
  nccl::group_memory incoming_{};
  std::size_t accumulated_elements_;
  std::size_t incoming_elements_;
};

}  // namespace mics::detail
