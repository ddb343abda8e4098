#pragma once

#include <string>
#include <utility>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/error.hpp>

namespace mics::nccl {

/// Throws transport_error, with the error in NCCL's words, when a call of NCCL failed.
inline void check(ncclResult_t result, const char* call, ncclComm_t comm = nullptr, error_context where = {}) {
  if (result == ncclSuccess || result == ncclInProgress) return;
  const char* const details = ncclGetLastError(comm);
  where.native = ncclGetErrorString(result);
  if (details != nullptr && *details != '\0') where.native += ": " + std::string(details);
  throw transport_error(std::string(call) + " failed", std::move(where));
}

/// Throws transport_error, with the error in CUDA's words, when a call of CUDA failed.
inline void check(cudaError_t result, const char* call, error_context where = {}) {
  if (result == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // else the next launch would report it once more
  where.native = std::string(cudaGetErrorName(result)) + ": " + cudaGetErrorString(result);
  throw transport_error(std::string(call) + " failed", std::move(where));
}

}  // namespace mics::nccl
