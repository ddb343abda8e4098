#pragma once

#include "workbench.hpp"

namespace gpu {

/// Many small tensors: one batch of the library against NCCL's calls, one by one and in one group.
void measure_coalesced(workbench& on);

/// A step of s micro-steps: two-hop synchronization against NCCL's all-reduce and reduce-scatter at each of them.
void measure_two_hop(workbench& on);

/// In-place gathers inside a node: NCCL, the library on plain and on registered memory, and a copy between two GPUs.
void measure_node(workbench& on);

/// What a call costs the host: the library against the calls of NCCL that it makes.
void measure_host_time(workbench& on);

/// What a gather beside it costs a matrix product.
void measure_overlap(workbench& on);

}  // namespace gpu
