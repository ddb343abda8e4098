#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/transport/nccl/await.hpp>
#include <mics/transport/nccl/device.hpp>
#include <mics/transport/nccl/host_watch.hpp>
#include <mics/transport/nccl/member.hpp>
#include <mics/transport/nccl/result.hpp>
#include <mics/transport/nccl/scratch.hpp>

namespace mics::nccl {

/// A stream of the library's own on the current device.
class own_stream {
 public:
  own_stream() { check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }
  ~own_stream() { cudaStreamDestroy(handle_); }
  own_stream(const own_stream&) = delete;
  own_stream& operator=(const own_stream&) = delete;

  [[nodiscard]] cudaStream_t get() const noexcept { return handle_; }

 private:
  cudaStream_t handle_ = nullptr;
};

/// Among the forms of which a group counts the first use; those of operations have smaller numbers.
inline constexpr unsigned host_exchange_form = 63;

/// Gathers small values of the hosts of all ranks, equally many of each, rank by rank. Collective and blocking, with
/// the group's deadline; never while a graph is captured.
template <class T>
requires std::is_trivially_copyable_v<T> std::vector<T> gather_on_host(member& group, std::span<const T> own) {
  const device_scope current(group.device());
  const own_stream stream;
  std::vector<T> all(static_cast<std::size_t>(group.shape().size) * own.size());
  const std::size_t all_bytes = all.size() * sizeof(T);
  const device_bytes device = allocate_device(own.size_bytes() + all_bytes);
  std::byte* const gathered = device.get() + own.size_bytes();
  const auto copy = [&](void* to, const void* from, std::size_t bytes, cudaMemcpyKind way) {
    check(cudaMemcpyAsync(to, from, bytes, way, stream.get()), "cudaMemcpyAsync");
  };
  copy(device.get(), own.data(), own.size_bytes(), cudaMemcpyHostToDevice);
  const auto gather = [&] {
    group.wire_of(stage::whole, stream.get()).all_gather(device.get(), gathered, own.size_bytes());
  };
  if (group.first_use(host_exchange_form)) {
    within_deadline({&group}, group.chosen().timeout, "connecting the ranks", gather);
  } else {
    gather();
  }
  detail::await(group, stream.get(), group.chosen().timeout);
  copy(all.data(), gathered, all_bytes, cudaMemcpyDeviceToHost);  // it waits for the copy, which no deadline would end
  return all;
}

}  // namespace mics::nccl
