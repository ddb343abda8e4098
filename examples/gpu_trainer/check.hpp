#pragma once

#include <stdexcept>
#include <string>

#include <cuda_runtime_api.h>
#include <nccl.h>

inline void check(cudaError_t result) {
  if (result != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(result));
}
inline void check(ncclResult_t result) {
  if (result != ncclSuccess) throw std::runtime_error(std::string("NCCL: ") + ncclGetErrorString(result));
}
