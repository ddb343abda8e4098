#pragma once

#include <cuda_runtime_api.h>

namespace fake_gpu {

/// Of this thread.
[[nodiscard]] int current_device();

/// Remembers an error for cudaGetLastError() and returns it.
cudaError_t fail(cudaError_t error);

}  // namespace fake_gpu
