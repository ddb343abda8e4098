#pragma once

#include <functional>
#include <memory>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include "call.hpp"
#include "communicator.hpp"

namespace fake_gpu {

/// Makes a call, or keeps it for the end of the group that this thread is in.
ncclResult_t submit(const std::shared_ptr<ncclComm>& comm, cudaStream_t stream, const call& c);

/// Does what waits for other ranks: now, or at the end of the group that this thread is in.
ncclResult_t behind_group(std::function<ncclResult_t()> waiting);

/// Notes that a call of a group failed: then nothing of it happens.
ncclResult_t fail_group(ncclResult_t error);

}  // namespace fake_gpu
