#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace mics::nccl {

/// Choices of a communicator; every rank must make the same ones. Groups split off inherit them.
struct settings {
  std::string name = "world";
  int node_size = 0;           ///< ranks of a node; 0: see node_of
  std::vector<int> node_of{};  ///< the node of each rank; empty: ranks that share a host share a node
  std::chrono::milliseconds timeout{std::chrono::minutes(5)};  ///< of every wait
  bool checked = false;          ///< compare each call among all ranks first, which blocks the host: to find mistakes
  bool share_resources = false;  ///< groups share channels and buffers with the world: about half the memory, but
                                 ///< some percent slower over the network
  std::size_t copy_engine_bytes = std::size_t{48} << 20;  ///< rows of this size on go by copy engines, if registered
};

}  // namespace mics::nccl
