#pragma once

#include <algorithm>
#include <chrono>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include <cuda_runtime_api.h>

#include <mics/detail/patience.hpp>
#include <mics/transport/nccl/group/failure.hpp>

namespace mics::nccl::detail {

/// Waits on the host until all work on a device has ended; false: it had not at the deadline, or when the groups were
/// declared failed. For who destroys a communicator while an exception is on its way: NCCL waits then for what is in
/// the communicator, without a deadline, and its streams may be gone before it. A thread is left where it is false.
inline bool device_ends_in_time(int device, const failure_state& failure, std::chrono::milliseconds timeout) noexcept
    try {
  std::promise<void> told;
  const std::future<void> ended = told.get_future();
  std::thread([device, told = std::move(told)]() mutable {
    if (cudaSetDevice(device) == cudaSuccess) cudaDeviceSynchronize();
    told.set_value();
  }).detach();
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + std::min(timeout, mics::detail::longest_timeout);
  while (ended.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    if (failure.is_set() || steady_clock::now() >= deadline) return false;
  }
  return true;
} catch (const std::system_error&) {  // no thread
  return false;
}

}  // namespace mics::nccl::detail
