#pragma once

#include <algorithm>
#include <cstdint>

#include <mics/topology.hpp>

/// How a partition group, or a replication group, of partition size p lies on nodes of k ranks; {1, size} where it lies
/// unevenly. Throws mics::usage_error where no such groups can be.
inline mics::hierarchy group_shape(int nodes, int node_size, int partition, bool replication) {
  const auto geometry = mics::topology::uniform(std::int64_t{nodes} * node_size, node_size, partition);
  if (!replication) return geometry.hierarchy_of(0);
  const int size = geometry.replication_size();
  const int of_a_node = std::max(1, node_size / partition);  // replicas of the same shard
  const bool even = partition >= node_size || node_size % partition == 0;
  return even && size > of_a_node ? mics::hierarchy{size / of_a_node, of_a_node} : mics::hierarchy{1, size};
}
