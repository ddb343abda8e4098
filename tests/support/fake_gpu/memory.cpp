// Memory of devices: the host's, with a note whose it is.

#include "memory.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include "device.hpp"
#include "ledger.hpp"
#include "stream.hpp"

namespace fake_gpu {

namespace {

struct region {
  std::size_t bytes;
  int device;
  origin from;
};

struct registry {
  std::mutex mutex;
  std::map<std::uintptr_t, region> regions;
  std::array<std::size_t, device_count> native{};  ///< what NCCL holds
};

registry& all() {
  static registry memory;
  return memory;
}

/// The allocation that holds all of [memory, memory + bytes). The caller has locked.
const region* holder(registry& memory, const void* address, std::size_t bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  auto next = memory.regions.upper_bound(at);
  if (next == memory.regions.begin()) return nullptr;
  const auto& [first, found] = *--next;
  return at - first < found.bytes && bytes <= found.bytes - (at - first) ? &found : nullptr;
}

bool on_device(const region& r) { return r.from != origin::pinned; }

std::size_t used_on(registry& memory, int device) {
  std::size_t used = memory.native[static_cast<std::size_t>(device)];
  for (const auto& [first, r] : memory.regions) used += on_device(r) && r.device == device ? r.bytes : 0;
  return used;
}

}  // namespace

void* allocate(std::size_t bytes, origin from) {
  registry& memory = all();
  const std::lock_guard lock(memory.mutex);
  const int device = current_device();
  if (bytes > device_memory - used_on(memory, device)) return nullptr;
  constexpr std::size_t alignment = 4096;
  void* const made = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (made == nullptr) return nullptr;
  std::memset(made, 0xA5, bytes);  // nobody relies on zeros
  memory.regions[reinterpret_cast<std::uintptr_t>(made)] = {bytes, device, from};
  count(&inventory::allocations, 1);
  count_bytes(static_cast<std::ptrdiff_t>(bytes));
  return made;
}

bool release(void* address, origin from) {
  registry& memory = all();
  const std::lock_guard lock(memory.mutex);
  const auto at = memory.regions.find(reinterpret_cast<std::uintptr_t>(address));
  if (at == memory.regions.end() || at->second.from != from) {
    complain("memory was freed that is not allocated, or by another library than it came from");
    return false;
  }
  count(&inventory::allocations, -1);
  count_bytes(-static_cast<std::ptrdiff_t>(at->second.bytes));
  memory.regions.erase(at);
  std::free(address);
  return true;
}

void release_all() {
  registry& memory = all();
  const std::lock_guard lock(memory.mutex);
  for (const auto& [address, r] : memory.regions) {
    count(&inventory::allocations, -1);
    count_bytes(-static_cast<std::ptrdiff_t>(r.bytes));
    std::free(reinterpret_cast<void*>(address));
  }
  memory.regions.clear();
}

void take_native(int device, std::ptrdiff_t bytes) {
  registry& memory = all();
  const std::lock_guard lock(memory.mutex);
  memory.native[static_cast<std::size_t>(device)] += static_cast<std::size_t>(bytes);
}

int device_of(const void* address, std::size_t bytes) {
  registry& memory = all();
  const std::lock_guard lock(memory.mutex);
  const region* const found = holder(memory, address, bytes);
  return found != nullptr && on_device(*found) ? found->device : -1;
}

bool from_nccl(const void* address, std::size_t bytes) {
  registry& memory = all();
  const std::lock_guard lock(memory.mutex);
  const region* const found = holder(memory, address, bytes);
  return found != nullptr && found->from == origin::nccl;
}

namespace {

bool pinned(const void* address, std::size_t bytes) {
  registry& memory = all();
  const std::lock_guard lock(memory.mutex);
  const region* const found = holder(memory, address, bytes);
  return found != nullptr && found->from == origin::pinned;
}

bool fits(cudaMemcpyKind way, const void* to, const void* from, std::size_t bytes) {
  const bool to_device = device_of(to, bytes) >= 0, from_device = device_of(from, bytes) >= 0;
  switch (way) {
    case cudaMemcpyHostToDevice:
      return to_device && !from_device;
    case cudaMemcpyDeviceToHost:
      return from_device && !to_device;
    case cudaMemcpyDeviceToDevice:
      return from_device && to_device;
    case cudaMemcpyHostToHost:
      return !from_device && !to_device;
    default:
      return true;
  }
}

}  // namespace

}  // namespace fake_gpu

using namespace fake_gpu;

extern "C" {

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  if (capturing()) return fail(cudaErrorStreamCaptureUnsupported);
  *memory = allocate(bytes, origin::cuda);
  return *memory != nullptr ? cudaSuccess : fail(cudaErrorMemoryAllocation);
}

cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  if (capturing()) return fail(cudaErrorStreamCaptureUnsupported);
  const int device = device_of(memory, 1);
  if (device >= 0 && !drain_device(device)) complain("cudaFree waits for work on its device that never ends");
  return release(memory, origin::cuda) ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaMallocHost(void** memory, size_t bytes) {
  *memory = allocate(bytes, origin::pinned);
  return *memory != nullptr ? cudaSuccess : fail(cudaErrorMemoryAllocation);
}

cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned int) { return cudaMallocHost(memory, bytes); }

cudaError_t cudaFreeHost(void* memory) {
  return release(memory, origin::pinned) ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  auto& memory = fake_gpu::all();
  const std::lock_guard lock(memory.mutex);
  *total = device_memory;
  *free = device_memory - used_on(memory, current_device());
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* facts, const void* address) {
  *facts = {};
  facts->type = cudaMemoryTypeUnregistered;
  facts->device = -1;
  auto& memory = fake_gpu::all();
  const std::lock_guard lock(memory.mutex);
  const region* const found = holder(memory, address, 1);
  if (found == nullptr) return cudaSuccess;
  facts->type = on_device(*found) ? cudaMemoryTypeDevice : cudaMemoryTypeHost;
  facts->device = found->device;
  return cudaSuccess;
}

// What lies in memory of the host that is not pinned is taken along before the call returns, and what goes there is
// there when it returns.
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind way, cudaStream_t stream) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return cudaSuccess;
  if (!fits(way, to, from, bytes)) {
    complain("a copy of " + std::to_string(bytes) + " bytes whose buffers are not where its direction says");
    return fail(cudaErrorInvalidValue);
  }
  const bool taken_along = device_of(from, bytes) < 0 && !pinned(from, bytes) && !found->captured;
  const bool awaited = device_of(to, bytes) < 0 && !pinned(to, bytes) && !found->captured;
  if (taken_along) {
    const auto* const first = static_cast<const std::byte*>(from);
    enqueue(*found, [=, kept = std::vector<std::byte>(first, first + bytes)] { std::memcpy(to, kept.data(), bytes); });
  } else {
    enqueue(*found, [=] { std::memmove(to, from, bytes); });
  }
  if (!awaited || found->worker.drain()) return cudaSuccess;
  complain("a copy to pageable memory waits on the host for work that never ends");
  return fail(cudaErrorLaunchTimeout);
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind way) {
  const cudaError_t result = cudaMemcpyAsync(to, from, bytes, way, nullptr);
  return result == cudaSuccess ? cudaStreamSynchronize(nullptr) : result;
}

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (bytes > 0 && device_of(memory, bytes) < 0) return fail(cudaErrorInvalidValue);
  enqueue(*found, [=] { std::memset(memory, value, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemset(void* memory, int value, size_t bytes) {
  const cudaError_t result = cudaMemsetAsync(memory, value, bytes, nullptr);
  return result == cudaSuccess ? cudaStreamSynchronize(nullptr) : result;
}

cudaError_t cudaDeviceSynchronize() {
  return drain_device(current_device()) ? cudaSuccess : fail(cudaErrorLaunchTimeout);
}

}  // extern "C"
