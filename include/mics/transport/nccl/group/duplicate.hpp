#pragma once

#include <chrono>
#include <string>

#include <nccl.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/group/making.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl::detail {

/// A communicator of the same ranks as `from`, which is not the library's: it is not touched at the deadline. Throws
/// timeout_error.
inline ncclComm_t duplicate(ncclComm_t from, std::chrono::milliseconds timeout, const std::string& name) {
  error_context where;
  where.group = name;
  where.stage = "splitting off from the caller's communicator";
  int device = 0;
  check(ncclCommUserRank(from, &where.rank), "ncclCommUserRank", from);
  check(ncclCommCuDevice(from, &device), "ncclCommCuDevice", from);
  const auto split = [from, rank = where.rank](ncclComm_t* made) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.splitShare = 0;  // to abort it must not abort the caller's
    config.blocking = 1;    // whatever the caller's is
    return ncclCommSplit(from, 0, rank, made, &config);
  };
  return make_in_time(timeout, device, from, "ncclCommSplit",
                      "abort the communicator that was to be duplicated: NCCL still waits in it", where, split);
}

}  // namespace mics::nccl::detail
