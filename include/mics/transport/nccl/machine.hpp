#pragma once

#include <string>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/native/library_version.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl {

/// The kind of machine that measurements hold for: the GPU, and the release of NCCL that runs.
inline std::string machine_name(int device) {
  cudaDeviceProp facts{};
  check(cudaGetDeviceProperties(&facts, device), "cudaGetDeviceProperties");
  return std::string(facts.name) + ", NCCL " + words_of_version(library_version());
}

}  // namespace mics::nccl
