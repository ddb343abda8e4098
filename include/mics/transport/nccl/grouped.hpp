#pragma once

#include <utility>

#include <nccl.h>

#include <mics/transport/nccl/result.hpp>

namespace mics::nccl {

/// Issues what `calls` calls of NCCL as one launch. Should one of them fail, the group is still closed. `comm`: what it
/// calls, or splits (one of several).
template <class Calls> void grouped(ncclComm_t comm, Calls&& calls) {
  check(ncclGroupStart(), "ncclGroupStart");
  try {
    std::forward<Calls>(calls)();
  } catch (...) {
    ncclGroupEnd();
    throw;
  }
  check(ncclGroupEnd(), "ncclGroupEnd", comm);
}

}  // namespace mics::nccl
