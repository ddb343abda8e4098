#pragma once

#include <string>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/transport/nccl/result.hpp>

namespace mics::nccl {

/// The kind of machine that measurements hold for: the GPU, and the release of NCCL that runs.
inline std::string machine_name(int device) {
  cudaDeviceProp facts{};
  check(cudaGetDeviceProperties(&facts, device), "cudaGetDeviceProperties");
  int version = 0;
  check(ncclGetVersion(&version), "ncclGetVersion");
  return std::string(facts.name) + ", NCCL " + std::to_string(version / 10000) + "." +
         std::to_string(version / 100 % 100);
}

}  // namespace mics::nccl
