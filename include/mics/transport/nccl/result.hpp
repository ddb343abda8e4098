#pragma once

#include <string>
#include <utility>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/error.hpp>

namespace mics::nccl {

/// Throws transport_error, with the error in NCCL's words.
[[noreturn]] inline void refuse(ncclResult_t result, const char* call, ncclComm_t comm, error_context where) {
  const char* const details = ncclGetLastError(comm);
  where.native = ncclGetErrorString(result);
  if (details != nullptr && *details != '\0') where.native += ": " + std::string(details);
  throw transport_error(std::string(call) + " failed", std::move(where));
}

/// Throws transport_error, with the error in CUDA's words.
[[noreturn]] inline void refuse(cudaError_t result, const char* call, error_context where) {
  static_cast<void>(cudaGetLastError());  // else the next launch would report it once more
  where.native = std::string(cudaGetErrorName(result)) + ": " + cudaGetErrorString(result);
  throw transport_error(std::string(call) + " failed", std::move(where));
}

/// Refuses the result of a call that failed; `where` is what is known of its context.
inline void check(ncclResult_t result, const char* call, ncclComm_t comm = nullptr) {
  if (result != ncclSuccess && result != ncclInProgress) refuse(result, call, comm, {});
}
inline void check(ncclResult_t result, const char* call, ncclComm_t comm, const error_context& where) {
  if (result != ncclSuccess && result != ncclInProgress) refuse(result, call, comm, where);
}
inline void check(cudaError_t result, const char* call) {
  if (result != cudaSuccess) refuse(result, call, {});
}

}  // namespace mics::nccl
