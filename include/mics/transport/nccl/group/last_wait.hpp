#pragma once

#include <algorithm>
#include <chrono>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include <cuda_runtime_api.h>

#include <mics/detail/patience.hpp>
#include <mics/transport/nccl/native/device.hpp>

namespace mics::nccl::detail {

/// Waits on the host until all work on a device has ended; false: it had not at the deadline, or when `given_up()`. It
/// asks the device, for the streams of the work may be gone, and whatever is being captured runs nowhere. A thread is
/// left where work has not ended.
template <class GivenUp>
bool device_ends_in_time(int device, std::chrono::milliseconds timeout, GivenUp given_up) noexcept try {
  std::promise<bool> told;
  std::future<bool> ended = told.get_future();
  std::thread([device, told = std::move(told)]() mutable {
    const beside_capture allowed;
    const cudaError_t state = cudaSetDevice(device) == cudaSuccess ? cudaDeviceSynchronize() : cudaErrorUnknown;
    told.set_value(state == cudaSuccess || state == cudaErrorStreamCaptureUnsupported);
  }).detach();
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + std::min(timeout, mics::detail::longest_timeout);
  while (ended.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    if (given_up() || steady_clock::now() >= deadline) return false;
  }
  return ended.get();
} catch (const std::system_error&) {  // no thread
  return false;
}

}  // namespace mics::nccl::detail
