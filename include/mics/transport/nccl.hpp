#pragma once

/// GPUs: collectives over NCCL, in the order of CUDA streams. Needs the component nccl of the package. See
/// mics::nccl::communicator and mics::nccl::make_world. (Not in here, for it needs nlohmann-json: the tuned table's
/// file, mics/transport/nccl/tuning_file.hpp.)

#include <mics/transport/nccl/communicator.hpp>
#include <mics/transport/nccl/gradient_store.hpp>
#include <mics/transport/nccl/registered_memory.hpp>
#include <mics/transport/nccl/together.hpp>
#include <mics/transport/nccl/world.hpp>
#ifdef __CUDACC__
#include <mics/transport/nccl/kernels.cuh>
#endif
