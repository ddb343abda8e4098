#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/device.hpp>
#include <mics/transport/nccl/member.hpp>

namespace mics::nccl::detail {

/// How a wait on the host turns from asking all the time to naps.
inline constexpr std::chrono::milliseconds patient_after{200};
inline constexpr std::chrono::microseconds nap{50};

/// Where the group stands: its oldest operation that has not ended.
inline error_context pending(member& m) {
  const auto first = m.journal().first_pending();
  return first ? m.where(std::string(name_of(first->what)), first->sequence) : m.where();
}

/// What NCCL has found out about a group since its calls returned.
inline std::optional<std::string> asynchronous_error(const member& m) {
  std::optional<std::string> found;
  m.for_each_communicator([&](ncclComm_t comm) {
    ncclResult_t state = ncclSuccess;
    if (found || ncclCommGetAsyncError(comm, &state) != ncclSuccess) return;
    if (state != ncclSuccess && state != ncclInProgress) {
      found = std::string(ncclGetErrorString(state)) + ": " + ncclGetLastError(comm);
    }
  });
  return found;
}

/// Ends the group: its work on the GPU stops, so that the device and the process stay usable.
template <class Error> [[noreturn]] void give_up(member& m, const std::string& why, const std::string& native = {}) {
  error_context where = pending(m);
  where.native = native;
  m.failure()->set(why);
  m.abort();
  throw Error(why, std::move(where));
}

/// Waits until the work so far in `stream` has ended.
/// Throws transport_error when NCCL or CUDA report a failure, aborted_error when another part of the program declared
/// the group failed, timeout_error at the deadline; the group has been aborted then.
inline void await(member& m, cudaStream_t stream, std::chrono::milliseconds timeout) {
  if (m.aborted()) throw aborted_error("this communicator was aborted: " + m.failure()->why(), m.where());
  const device_scope current(m.device());
  using std::chrono::steady_clock;
  const auto start = steady_clock::now();
  auto next_look = start;  // at what NCCL knows, which takes longer than to ask the stream
  for (;;) {
    const cudaError_t state = cudaStreamQuery(stream);
    if (state == cudaSuccess) return m.journal().ended(stream);
    if (state != cudaErrorNotReady) {
      static_cast<void>(cudaGetLastError());
      give_up<transport_error>(m, "work on the GPU failed", cudaGetErrorString(state));
    }
    const auto now = steady_clock::now();
    if (now >= next_look) {
      if (m.failure()->is_set()) give_up<aborted_error>(m, m.failure()->why());
      if (const auto error = asynchronous_error(m)) {
        if (m.failure()->is_set_soon()) give_up<aborted_error>(m, m.failure()->why(), *error);
        give_up<transport_error>(m, "NCCL lost a peer or a link", *error);
      }
      if (now - start > timeout) give_up<timeout_error>(m, "no end after " + std::to_string(timeout.count()) + " ms");
      next_look = now + std::chrono::milliseconds(1);
    }
    // A nap costs more than it lasts; who waits for long leaves the processor to the threads that move the data.
    now - start < patient_after ? std::this_thread::yield() : std::this_thread::sleep_for(nap);
  }
}

}  // namespace mics::nccl::detail
