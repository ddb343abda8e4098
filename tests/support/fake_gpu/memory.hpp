#pragma once

#include <cstddef>

namespace fake_gpu {

enum class origin { cuda, nccl, pinned };

/// Memory that knows its device; null when there is no more.
void* allocate(std::size_t bytes, origin from);

/// Frees memory that allocate() gave; a complaint when it did not, or when another call freed it.
bool release(void* memory, origin from);

/// NCCL takes memory of a device for itself, or gives it back.
void take_native(int device, std::ptrdiff_t bytes);

/// The device of memory that lies whole in one allocation of a device; -1: it does not.
[[nodiscard]] int device_of(const void* memory, std::size_t bytes);

/// Does it lie whole in one allocation of ncclMemAlloc()?
[[nodiscard]] bool from_nccl(const void* memory, std::size_t bytes);

}  // namespace fake_gpu
