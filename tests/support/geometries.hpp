#pragma once

#include <algorithm>
#include <vector>

#include <mics/transport/thread.hpp>

namespace mics::test {

inline std::vector<int> divisors(int number) {
  std::vector<int> all;
  for (int d = 1; d <= number; ++d) {
    if (number % d == 0) all.push_back(d);
  }
  return all;
}

/// N ranks on nodes of k; the last node is shorter where k does not divide N.
inline std::vector<int> ranks_per_node(int world_size, int node_size) {
  std::vector<int> nodes;
  for (int left = world_size; left > 0; left -= node_size) nodes.push_back(std::min(left, node_size));
  return nodes;
}

/// A cluster of that geometry, unchecked: tests of results want speed, and agreement has tests of its own.
inline thread::cluster cluster_of(int world_size, int node_size) {
  return thread::cluster({.ranks_per_node = ranks_per_node(world_size, node_size), .checked = false});
}

/// Calls f(N, k) for all k <= N <= most.
template <class F> void for_each_cluster(int most, F f) {
  for (int world_size = 1; world_size <= most; ++world_size) {
    for (int node_size = 1; node_size <= world_size; ++node_size) f(world_size, node_size);
  }
}

}  // namespace mics::test
