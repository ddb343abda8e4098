#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/group/scratch.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::test {

/// A stream of its own on the current device.
class gpu_stream {
 public:
  gpu_stream() { nccl::check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "cudaStreamCreate"); }
  ~gpu_stream() { cudaStreamDestroy(handle_); }
  gpu_stream(const gpu_stream&) = delete;
  gpu_stream& operator=(const gpu_stream&) = delete;

  operator cudaStream_t() const noexcept { return handle_; }

 private:
  cudaStream_t handle_ = nullptr;
};

/// Elements on the current device, filled and read in the order of a stream; both wait on the host.
template <class T> class device_array {
 public:
  device_array(std::size_t count, cudaStream_t stream)
      : stream_(stream), count_(count), memory_(nccl::allocate_device((count * sizeof(T) + word - 1) / word * word)) {}
  device_array(const std::vector<T>& values, cudaStream_t stream) : device_array(values.size(), stream) { put(values); }

  [[nodiscard]] T* data() const noexcept { return reinterpret_cast<T*>(memory_.get()); }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::span<T> all() const noexcept { return {data(), count_}; }

  void put(const std::vector<T>& values, std::size_t at = 0) const { put(values.data(), values.size(), at); }
  void put(std::span<const T> values, std::size_t at = 0) const { put(values.data(), values.size(), at); }
  [[nodiscard]] std::vector<T> get() const {
    std::vector<T> values(count_);
    if (count_ == 0) return values;
    nccl::check(cudaMemcpyAsync(values.data(), data(), count_ * sizeof(T), cudaMemcpyDeviceToHost, stream_), "read");
    nccl::check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    return values;
  }

 private:
  void put(const T* values, std::size_t count, std::size_t at) const {
    if (count == 0) return;
    nccl::check(cudaMemcpyAsync(data() + at, values, count * sizeof(T), cudaMemcpyHostToDevice, stream_), "write");
    nccl::check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  }

  /// NCCL's low-latency kernels read all of the last one, which compute-sanitizer would find outside.
  static constexpr std::size_t word = 4;

  cudaStream_t stream_;
  std::size_t count_;
  nccl::device_bytes memory_;
};

}  // namespace mics::test
