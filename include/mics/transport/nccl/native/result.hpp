#pragma once

#include <chrono>
#include <concepts>
#include <string>
#include <thread>
#include <utility>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/error.hpp>

namespace mics::nccl {

/// Throws transport_error, with the error in NCCL's words.
[[noreturn]] inline void refuse(ncclResult_t result, const char* call, error_context where) {
  // NCCL has one text for all communicators; the one that failed may be gone, ended by a watch.
  const char* const details = ncclGetLastError(nullptr);
  where.native = ncclGetErrorString(result);
  if (details != nullptr && *details != '\0') where.native += ": " + std::string(details);
  throw transport_error(std::string(call) + " failed", std::move(where));
}

/// Throws transport_error, with the error in CUDA's words; usage_error for what CUDA forbids during a capture.
[[noreturn]] inline void refuse(cudaError_t result, const char* call, error_context where) {
  static_cast<void>(cudaGetLastError());  // else the next launch would report it once more
  where.native = std::string(cudaGetErrorName(result)) + ": " + cudaGetErrorString(result);
  if (result == cudaErrorStreamCaptureUnsupported) {
    throw usage_error(std::string(call) +
                          " is forbidden while a graph is captured; make groups, registered memory and whatever else "
                          "waits for other ranks on the host before, and call prepare() for what is captured",
                      std::move(where));
  }
  throw transport_error(std::string(call) + " failed", std::move(where));
}

/// Throws usage_error: what a communicator that does not block has begun would only be in the stream some time later,
/// and all that the library enqueues next would come before it. Waits first, so that NCCL is done with the caller's
/// buffers.
[[noreturn]] inline void refuse_in_progress(const char* call, ncclComm_t comm, error_context where) {
  using namespace std::chrono_literals;
  ncclResult_t state = ncclInProgress;
  const auto end = std::chrono::steady_clock::now() + 10s;  // a peer may never come
  while (comm != nullptr && state == ncclInProgress && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(100us);
    if (ncclCommGetAsyncError(comm, &state) != ncclSuccess) break;
  }
  if (comm != nullptr && where.rank < 0) ncclCommUserRank(comm, &where.rank);
  throw usage_error(
      std::string(call) +
          " returned before it was done: config.blocking is 0 (or NCCL_COMM_BLOCKING in the environment); "
          "allowed: communicators that block; mics::nccl::communicator::duplicate() makes one of this",
      std::move(where));
}

/// Refuses the result of a call that failed; `where()` tells what is known of its context, and is asked only then.
template <std::invocable Where> void check(ncclResult_t result, const char* call, ncclComm_t comm, Where&& where) {
  if (result == ncclInProgress) refuse_in_progress(call, comm, where());
  if (result != ncclSuccess) refuse(result, call, where());
}
inline void check(ncclResult_t result, const char* call, ncclComm_t comm = nullptr) {
  check(result, call, comm, [] { return error_context{}; });
}
template <std::invocable Where> void check(cudaError_t result, const char* call, Where&& where) {
  if (result != cudaSuccess) refuse(result, call, where());
}
inline void check(cudaError_t result, const char* call) {
  check(result, call, [] { return error_context{}; });
}

}  // namespace mics::nccl
