#pragma once

/// GPUs: collectives over NCCL, in the order of CUDA streams. Needs the component nccl of the package.

#include <mics/transport/nccl/communicator.hpp>
#include <mics/transport/nccl/gradient_store.hpp>
#include <mics/transport/nccl/registered_memory.hpp>
#include <mics/transport/nccl/together.hpp>
#ifdef __CUDACC__
#include <mics/transport/nccl/kernels.cuh>
#endif
