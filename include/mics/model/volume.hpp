#pragma once

#include <cstdint>

#include <mics/topology/hierarchy.hpp>

/// Bytes over the slow network in closed form, for a partition group of p = n*k ranks on n nodes of k ranks.
/// One block is 1/p of M, the gathered result of an all-gather or the input of a reduce-scatter; all-reduce: twice
/// that. Source: MiCS, VLDB 2023, hierarchical communication.
namespace mics::model {

/// p.
constexpr std::int64_t ranks_of(hierarchy shape) noexcept { return std::int64_t{shape.nodes} * shape.node_size; }

/// Bytes into one node, flat ring over ranks in order: (p-1)/p * M; 0 on one node.
constexpr std::uint64_t flat_ring_bytes_into_node(hierarchy shape, std::uint64_t block_bytes) noexcept {
  return shape.hierarchical() ? static_cast<std::uint64_t>(ranks_of(shape) - 1) * block_bytes : 0;
}

/// Bytes into one node, hierarchical: (p-k)/p * M, the least possible since a node lacks p-k blocks; 0 on one node.
constexpr std::uint64_t hierarchical_bytes_into_node(hierarchy shape, std::uint64_t block_bytes) noexcept {
  return static_cast<std::uint64_t>(ranks_of(shape) - shape.node_size) * block_bytes;
}

/// Bytes over all node borders when `into_node` bytes enter each of the n nodes.
constexpr std::uint64_t slow_bytes(hierarchy shape, std::uint64_t into_node) noexcept {
  return static_cast<std::uint64_t>(shape.nodes) * into_node;
}

/// Share of the flat ring's slow bytes that hierarchical saves: (k-1)/(p-1); 0 on one node.
constexpr double slow_bytes_saving(hierarchy shape) noexcept {
  return shape.hierarchical() ? (shape.node_size - 1.0) / static_cast<double>(ranks_of(shape) - 1) : 0.0;
}

/// Best speed-up over the flat ring at large M, where the slow network decides: (p-1)/(p-k); 1 on one node.
constexpr double best_speed_up(hierarchy shape) noexcept {
  return shape.hierarchical()
             ? static_cast<double>(ranks_of(shape) - 1) / static_cast<double>(ranks_of(shape) - shape.node_size)
             : 1.0;
}

}  // namespace mics::model
