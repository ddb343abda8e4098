#pragma once

#include <cstddef>

#include <mics/collectives/planned_call.hpp>
#include <mics/shape.hpp>
#include <mics/transport/nccl/wire.hpp>

namespace mics::nccl {

/// A planned call with all that its stages need to know. The block of (node j, local rank i) is block j * k + i.
struct bound_call {
  const planned_call* planned;
  const group_shape* shape;
  const std::byte* input;   ///< the caller's, or its float copy
  std::byte* output;        ///< likewise
  native_sum first{};       ///< of the first stage that adds: it scales for avg
  native_sum later{};       ///< of the stages behind it
  std::byte* rows{};        ///< one row a node of what the rail has brought, or is to reduce
  std::size_t row_bytes{};  ///< from row to row

  [[nodiscard]] const collective_call& call() const noexcept { return planned->call; }
  [[nodiscard]] bool even() const noexcept { return planned->call.blocks.even(); }
  [[nodiscard]] std::size_t width() const { return size_of(planned->moved); }
  [[nodiscard]] bool hierarchical() const noexcept { return planned->how.how() == algorithm::hierarchical; }

  [[nodiscard]] std::size_t count(int block) const noexcept { return call().blocks.length(block); }
  [[nodiscard]] std::size_t bytes(int block) const { return count(block) * width(); }
  [[nodiscard]] std::size_t offset(int block) const { return call().blocks.offset(block) * width(); }
  /// The block of this rank's rail in the row of `node`.
  [[nodiscard]] int on_rail(int node) const noexcept { return node * shape->node_size + shape->local_rank(); }
  [[nodiscard]] std::byte* row(int node) const noexcept { return rows + static_cast<std::size_t>(node) * row_bytes; }
};

}  // namespace mics::nccl
