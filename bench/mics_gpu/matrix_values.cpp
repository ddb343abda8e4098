#include <cstring>
#include <vector>

#include <mics/transport/nccl/native/result.hpp>
#include <mics/types.hpp>

#include "../mics_perf/pattern.hpp"
#include "matrix_fill.hpp"
#include "matrix_product.hpp"

namespace gpu {

float factor(std::uint64_t matrix, std::size_t at) { return static_cast<float>(perf::mix(matrix, 0, at) % 3); }

mics::nccl::device_bytes filled_matrix(std::uint64_t matrix, std::size_t elements) {
  std::vector<mics::bfloat16> host(elements);
  for (std::size_t at = 0; at < elements; ++at) host[at] = mics::bfloat16(factor(matrix, at));
  const std::size_t bytes = elements * sizeof host[0];
  auto device = mics::nccl::allocate_device(bytes);
  mics::nccl::check(cudaMemcpy(device.get(), host.data(), bytes, cudaMemcpyHostToDevice), "cudaMemcpy");
  return device;
}

std::uint64_t matrix_product::wrong() const {
  constexpr std::size_t samples = 64;
  mics::nccl::check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  const auto n = static_cast<std::size_t>(n_);
  std::uint64_t found = 0;
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const std::size_t row = perf::mix(3, 0, sample) % n, column = perf::mix(4, 0, sample) % n;
    float exact = 0;  // whole numbers below 2^24: no rounding
    for (std::size_t k = 0; k < n; ++k) exact += factor(1, row * n + k) * factor(2, k * n + column);
    const mics::bfloat16 expected(exact);
    mics::bfloat16 got{};
    mics::nccl::check(cudaMemcpy(&got, c_.get() + (row * n + column) * sizeof got, sizeof got, cudaMemcpyDeviceToHost),
                      "cudaMemcpy");
    found += std::memcmp(&got, &expected, sizeof got) != 0 ? 1 : 0;
  }
  return found;
}

}  // namespace gpu
