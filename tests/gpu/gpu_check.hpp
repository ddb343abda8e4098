#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <mics/topology/rank_range.hpp>
#include <mics/transport/nccl.hpp>

#include "../support/collective_case.hpp"
#include "../support/gpu/cluster.hpp"

namespace mics::test {

/// Runs a case on one rank of a group whose members are `ranks` of the world; throws what is wrong with the result, in
/// words. Collective. See device_check.
void check_on_gpu(const nccl::communicator_ref& group, const rank_range& ranks, cudaStream_t stream,
                  const collective_case& c);

/// The algorithms, rail stages and overlaps that may be asked for over NCCL.
struct gpu_algorithm {
  algorithm how;
  algorithm on_rail = algorithm::automatic;
  int pieces = 1;  ///< about so many of each block, whose stages overlap

  /// For a call whose largest block has so many bytes.
  [[nodiscard]] collective_options options(std::size_t block_bytes) const {
    const auto n = static_cast<std::size_t>(pieces);
    return {.how = how, .on_rail = on_rail, .chunk_bytes = pieces == 1 ? 0 : (block_bytes + n - 1) / n + 1};
  }
};
std::vector<gpu_algorithm> gpu_algorithms(operation what, bool staged);

}  // namespace mics::test
