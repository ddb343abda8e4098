#pragma once

#include <cstddef>
#include <cstdint>

#include <mics/transport/nccl/group/scratch.hpp>

namespace gpu {

/// A matrix on the current device, row by row, filled with its factors.
mics::nccl::device_bytes filled_matrix(std::uint64_t matrix, std::size_t elements);

}  // namespace gpu
