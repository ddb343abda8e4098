#pragma once

#include <string>

#include <mics/topology/rank_range.hpp>
#include <mics/transport/nccl.hpp>

#include "../support/collective_case.hpp"
#include "../support/gpu/cluster.hpp"

namespace mics::test {

/// Runs a case on one rank of a group whose members are `ranks` of the world; throws what is wrong with the result, in
/// words. Collective. See device_check.
void check_on_gpu(const nccl::communicator_ref& group, const rank_range& ranks, cudaStream_t stream,
                  const collective_case& c);

/// The algorithms, and rail stages, that may be asked for over NCCL.
struct gpu_algorithm {
  algorithm how;
  algorithm on_rail = algorithm::automatic;
};
std::vector<gpu_algorithm> gpu_algorithms(operation what, bool staged);

}  // namespace mics::test
