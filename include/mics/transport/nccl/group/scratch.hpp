#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/native/event.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl {

/// Frees device memory; the device may be another one than the thread's current.
struct device_free {
  void operator()(std::byte* memory) const noexcept { cudaFree(memory); }
};
using device_bytes = std::unique_ptr<std::byte[], device_free>;

/// Plain device memory on the current device; `where()`: the context of a failure.
template <std::invocable Where> device_bytes allocate_device(std::size_t bytes, Where&& where) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, std::max<std::size_t>(bytes, 1)), "cudaMalloc", where);
  return device_bytes(static_cast<std::byte*>(memory));
}
inline device_bytes allocate_device(std::size_t bytes) {
  return allocate_device(bytes, [] { return error_context{}; });
}

/// The temporary memory of one communicator: it grows at least twofold and moves never, for graphs that were captured
/// keep using what they were recorded with. The operations of a communicator run in order, so they share it; what
/// comes before and behind NCCL's calls is put in order with the last operation that used it, in whatever stream.
class scratch {
 public:
  [[nodiscard]] bool holds(std::size_t bytes) const noexcept { return bytes <= size_; }
  [[nodiscard]] std::byte* data() const noexcept { return blocks_.empty() ? nullptr : blocks_.back().get(); }

  /// Takes new memory if there is not enough; never while a graph is captured. The current device is the
  /// communicator's.
  void reserve(std::size_t bytes) {
    if (holds(bytes)) return;
    const std::size_t grown = std::max(bytes, 2 * size_);
    blocks_.push_back(allocate_device(grown));
    size_ = grown;
    total_ += grown;
  }

  /// Holds a stream back until the memory is free; ...
  void await(cudaStream_t stream) const {
    const bool same = last_stream_ == stream && stream != cudaStreamPerThread;  // which is another one in each thread
    if (last_end_.exists() && !same) last_end_.hold_back(stream);
  }
  /// ... and notes that the work so far in a stream uses it. The current device is the communicator's.
  void used(cudaStream_t stream) {
    if (!last_end_.exists()) last_end_ = event::make();
    last_end_.record(stream);
    last_stream_ = stream;
  }

  /// Gives its memory up without freeing it: work that nobody can end may use it, and to free it would wait for that.
  void abandon() noexcept {
    for (device_bytes& block : blocks_) static_cast<void>(block.release());
    blocks_.clear();
    size_ = 0;
  }

  /// All that was ever taken.
  [[nodiscard]] std::size_t total_bytes() const noexcept { return total_; }

 private:
  std::vector<device_bytes> blocks_{};
  std::size_t size_ = 0;
  std::size_t total_ = 0;
  event last_end_{};
  cudaStream_t last_stream_ = nullptr;
};

}  // namespace mics::nccl
