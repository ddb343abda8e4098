#pragma once

#include <utility>

#include <nccl.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl {

/// Issues what `calls` calls of NCCL as one launch. Should one of them fail, the group is still closed. `comm`: what it
/// calls, or splits (one of several); `where()`: the context of a failure.
template <class Where, class Calls> void grouped(ncclComm_t comm, Where&& where, Calls&& calls) {
  check(ncclGroupStart(), "ncclGroupStart", comm, where);
  try {
    std::forward<Calls>(calls)();
  } catch (...) {
    ncclGroupEnd();
    throw;
  }
  check(ncclGroupEnd(), "ncclGroupEnd", comm, where);
}

/// The same where no more is known of the context.
template <class Calls> void grouped(ncclComm_t comm, Calls&& calls) {
  grouped(
      comm, [] { return error_context{}; }, std::forward<Calls>(calls));
}

}  // namespace mics::nccl
