#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/detail/patience.hpp>
#include <mics/error.hpp>
#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/native/device.hpp>

namespace mics::nccl::detail {

/// How a wait on the host turns from asking all the time to naps.
inline constexpr std::chrono::milliseconds patient_after{200};
inline constexpr std::chrono::microseconds nap{50};

inline error_context where(const journal::operation_of& pending) {
  return pending.group->where(std::string(name_of(pending.what)), pending.sequence);
}

/// What a stream waits for: the oldest operation in it that has not ended, of whatever group of the family; `doing`, in
/// words, if there is none.
inline error_context pending(const member& m, cudaStream_t stream, std::string_view doing) {
  const auto held = m.family().hold();
  const auto first = m.family().journal().first_pending(stream);
  return first ? where(*first) : m.where(std::string(doing));
}

/// What NCCL has found out about a family since its calls returned, and about which operation: the one that the stream
/// waits for, if its group is concerned.
inline std::optional<error_context> asynchronous_error(const member& m, cudaStream_t stream, std::string_view doing) {
  const auto held = m.family().hold();
  journal& operations = m.family().journal();
  std::optional<error_context> found;
  for (const member* const each : m.family().members()) {
    if (each->aborted()) continue;
    each->for_each_communicator([&](ncclComm_t comm) {
      ncclResult_t state = ncclSuccess;
      if (ncclCommGetAsyncError(comm, &state) != ncclSuccess) return;
      if (state == ncclSuccess || state == ncclInProgress) return;
      const auto first = operations.first_pending(stream);
      if (found && !(first && first->group == each)) return;
      const auto its = first && first->group == each ? first : operations.first_pending_of(*each);
      found = its ? where(*its) : each->where(std::string(each == &m ? doing : std::string_view()));
      found->native = std::string(ncclGetErrorString(state)) + ": " + ncclGetLastError(comm);
    });
  }
  return found;
}

/// Ends the family: its work on the GPU stops, so that the device and the process stay usable.
template <class Error> [[noreturn]] void give_up(member& m, const std::string& why, error_context where) {
  const Error error(why, std::move(where));
  m.failure()->set(error.what());
  m.abort();
  throw Error(error);
}

/// Waits until the work so far in `stream` has ended; `doing`: what for, if it is no operation of a group.
/// Throws transport_error when NCCL or CUDA report a failure, aborted_error when another part of the program declared
/// the group failed, timeout_error at the deadline; the family has been aborted then.
inline void await(member& m, cudaStream_t stream, std::chrono::milliseconds timeout, std::string_view doing = {}) {
  const auto refuse_aborted = [&] {
    throw aborted_error("this communicator was aborted: " + m.failure()->why(), m.where(std::string(doing)));
  };
  if (m.aborted()) refuse_aborted();
  const device_scope current(m.device());
  const auto most = std::min(timeout, mics::detail::longest_timeout);
  using std::chrono::steady_clock;
  const auto start = steady_clock::now();
  auto next_look = start;  // at what NCCL knows, which takes longer than to ask the stream
  for (;;) {
    const std::uint64_t noted = m.family().journal().written();
    const cudaError_t state = cudaStreamQuery(stream);
    if (state == cudaSuccess) {
      if (m.aborted()) refuse_aborted();  // by another thread, which ended the work halfway
      return m.family().journal().ended(stream, noted);
    }
    if (state != cudaErrorNotReady) {
      static_cast<void>(cudaGetLastError());
      error_context known = pending(m, stream, doing);
      known.native = cudaGetErrorString(state);
      give_up<transport_error>(m, "work on the GPU failed", std::move(known));
    }
    const auto now = steady_clock::now();
    if (now >= next_look) {
      if (m.failure()->is_set()) give_up<aborted_error>(m, m.failure()->why(), pending(m, stream, doing));
      if (auto lost = asynchronous_error(m, stream, doing)) {
        if (m.failure()->is_set_soon()) give_up<aborted_error>(m, m.failure()->why(), std::move(*lost));
        give_up<transport_error>(m, "NCCL lost a peer or a link", std::move(*lost));
      }
      if (now - start > most) {
        give_up<timeout_error>(m, "no end after " + std::to_string(timeout.count()) + " ms", pending(m, stream, doing));
      }
      next_look = now + std::chrono::milliseconds(1);
    }
    // A nap costs more than it lasts; who waits for long leaves the processor to the threads that move the data.
    now - start < patient_after ? std::this_thread::yield() : std::this_thread::sleep_for(nap);
  }
}

}  // namespace mics::nccl::detail
