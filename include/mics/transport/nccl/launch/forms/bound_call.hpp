#pragma once

#include <cstddef>

#include <mics/collectives/planned_call.hpp>
#include <mics/shape.hpp>
#include <mics/transport/nccl/native/wire.hpp>
#include <mics/transport/nccl/stage.hpp>

namespace mics::nccl {

/// Whose are the rows of temporary memory that a rail stage fills, or reduces?
enum class rows_of {
  nobody,  ///< it has none: blocks go straight into their slots
  call,
  pack,  ///< several calls, or one, whose blocks cross the rail as one: see rail_pack.hpp
};

/// Calls f(node) for each node but this rank's own.
template <class F> void for_each_other_node(const group_shape& shape, F f) {
  for (int node = 0; node < shape.nodes; ++node) {
    if (node != shape.node()) f(node);
  }
}

/// A planned call with all that its stages need to know. The block of (node j, local rank i) is block j * k + i.
/// Where the plan cuts blocks, the stages are those of part(i): the i-th piece of every block.
struct bound_call {
  const planned_call* planned;
  const group_shape* shape;
  const std::byte* input;   ///< the caller's, or its float copy
  std::byte* output;        ///< likewise
  native_sum first{};       ///< of the first stage that adds: it scales for avg
  native_sum later{};       ///< of the stages behind it
  std::byte* rows{};        ///< one row a node of what the rail has brought, or is to reduce
  std::size_t row_bytes{};  ///< from row to row
  rows_of rail_rows{};      ///< see find_route()
  bool by_messages{};       ///< an all-reduce on two nodes whose rail stage is a message, which a kernel adds up; ...
  std::byte* message{};     ///< ... where it comes
  stage node_in{};          ///< the communicator of its node stage; of all of it, if it has no stages
  int pieces = 1;           ///< in which every block moves
  int piece = 0;            ///< which of them the stages are to see; all of each block if there is one

  [[nodiscard]] const collective_call& call() const noexcept { return planned->call; }
  [[nodiscard]] bool even() const noexcept { return planned->call.blocks.even(); }
  [[nodiscard]] std::size_t width() const { return size_of(planned->moved); }
  [[nodiscard]] bool hierarchical() const noexcept { return planned->how.how() == algorithm::hierarchical; }

  /// Equal blocks, whole: those of a node lie one behind the other, as NCCL's collectives want them.
  [[nodiscard]] bool dense() const noexcept { return even() && pieces == 1; }

  [[nodiscard]] std::size_t count(int block) const noexcept { return extent(block, 1).length; }
  [[nodiscard]] std::size_t bytes(int block) const { return count(block) * width(); }
  [[nodiscard]] std::size_t offset(int block) const { return extent(block, 1).offset * width(); }
  /// Of a buffer that is one block to the call: elements.
  [[nodiscard]] std::size_t total() const noexcept { return extent(0, call().blocks.blocks()).length; }
  /// The block of this rank's rail in the row of `node`.
  [[nodiscard]] int on_rail(int node) const noexcept { return node * shape->node_size + shape->local_rank(); }
  [[nodiscard]] std::byte* row(int node) const noexcept { return rows + static_cast<std::size_t>(node) * row_bytes; }

  /// Rows that the call needs in all: of the pieces, two are under way at a time.
  [[nodiscard]] std::size_t rows_of_all_pieces() const noexcept {
    return static_cast<std::size_t>(shape->nodes) * (pieces > 1 ? 2 : 1);
  }
  /// The longest row: that of the first piece.
  [[nodiscard]] std::size_t longest_row() const {
    return schedule::block_layout::longest_piece(call().blocks.longest(), pieces) * width();
  }

  /// The call on the i-th piece of every block, of several.
  [[nodiscard]] bound_call part(int i) const {
    bound_call one = *this;
    one.piece = i;
    if (rows != nullptr && i % 2 == 1) one.rows += static_cast<std::size_t>(shape->nodes) * row_bytes;
    if (even()) one.row_bytes = one.bytes(0);  // a collective's rows lie one behind the other
    switch (call().what) {
      case operation::all_gather:  // the shard is a block by itself
        one.input += one.offset(shape->rank) - offset(shape->rank);
        break;
      case operation::reduce_scatter:
        one.output += one.offset(shape->rank) - offset(shape->rank);
        break;
      default: {  // one block
        const std::size_t begin = one.extent(0, call().blocks.blocks()).offset * width();
        one.input += begin;
        one.output += begin;
      }
    }
    return one;
  }

 private:
  [[nodiscard]] schedule::extent extent(int block, int count_of_blocks) const noexcept {
    return call().blocks.piece(block, count_of_blocks, piece, pieces);
  }
};

}  // namespace mics::nccl
