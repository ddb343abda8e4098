#pragma once

#include <system_error>
#include <thread>
#include <vector>

#include <nccl.h>

namespace mics::nccl {

namespace detail {

/// Before NCCL 2.22 an abort waits where it is called, whatever group of calls that is in.
inline void abort_by_threads(const std::vector<ncclComm_t>& communicators) noexcept {
  std::vector<std::jthread> threads;
  for (const ncclComm_t comm : communicators) try {
      threads.emplace_back([comm] { ncclCommAbort(comm); });
    } catch (const std::system_error&) {
      ncclCommAbort(comm);
    }
}

}  // namespace detail

/// Ends communicators as one: all are told to end before one is waited for, whose work may be queued behind another's.
/// Returns when all have ended.
inline void abort_together(const std::vector<ncclComm_t>& communicators) noexcept {
  int runs = 0;
  if (ncclGetVersion(&runs) == ncclSuccess && runs < NCCL_VERSION(2, 22, 0))
    return detail::abort_by_threads(communicators);
  ncclGroupStart();
  for (const ncclComm_t comm : communicators) ncclCommAbort(comm);
  ncclGroupEnd();
}

}  // namespace mics::nccl
