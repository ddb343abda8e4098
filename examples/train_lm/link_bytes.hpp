#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace train_lm {

/// Bytes that ranks sent each other, as the transport counts them, or as planned where it does not.
struct link_bytes {
  std::uint64_t slow = 0;                  ///< between nodes
  std::uint64_t fast = 0;                  ///< inside nodes
  std::vector<std::uint64_t> into_node{};  ///< the slow ones, by the node that receives them

  /// Into the node that receives most: its network card is what a step waits for.
  [[nodiscard]] std::uint64_t busiest_node() const {
    return into_node.empty() ? 0 : *std::max_element(into_node.begin(), into_node.end());
  }

  /// The same for so many steps.
  [[nodiscard]] link_bytes times(std::uint64_t steps) const {
    link_bytes all{slow * steps, fast * steps, into_node};
    for (std::uint64_t& bytes : all.into_node) bytes *= steps;
    return all;
  }

  /// Adds what moved between two readings.
  void add(const link_bytes& before, const link_bytes& after) {
    slow += after.slow - before.slow;
    fast += after.fast - before.fast;
    into_node.resize(after.into_node.size());
    for (std::size_t node = 0; node < into_node.size(); ++node) {
      into_node[node] += after.into_node[node] - before.into_node[node];
    }
  }
};

}  // namespace train_lm
