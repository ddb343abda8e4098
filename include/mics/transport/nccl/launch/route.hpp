#pragma once

#include <cstddef>
#include <cstdint>

#include <mics/transport/nccl/choice.hpp>
#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/launch/forms/bound_call.hpp>
#include <mics/transport/nccl/stage.hpp>

namespace mics::nccl {

/// Blocks below this size cross the rail packed, where a batch has several: a message each would cost more than copies.
inline constexpr std::size_t packed_block_bytes = std::size_t{256} << 10;

/// Bytes of which blocks are multiples where NCCL's kernels for registered memory may have them.
inline constexpr std::size_t window_unit = 16;

/// Communicators for registered memory.
inline bool by_windows(stage s) noexcept { return s == stage::windows || s == stage::copy_engines; }

namespace detail {

inline bool lies_on_window_units(const std::byte* memory) noexcept {
  return reinterpret_cast<std::uintptr_t>(memory) % window_unit == 0;
}

/// Does NCCL have a kernel for windows that adds up this type?
inline bool sums_in_windows(const collective_call& call) noexcept {
  const bool float_type =
      call.type == data_type::float32 || call.type == data_type::float16 || call.type == data_type::bfloat16;
  return float_type && call.reduce == reduction::sum;
}

/// The sizes whose sums NCCL's kernels for windows form faster than its other ones. (Measured on 2 and 4 H100 with NCCL
/// 2.28: elsewhere they lose up to a fifth.)
inline bool windows_gain(operation what, std::size_t bytes) noexcept {
  constexpr std::size_t KiB = 1024, MiB = 1024 * KiB;
  const std::size_t again_from = what == operation::all_reduce ? 2 * MiB : MiB;
  return bytes <= 128 * KiB || (bytes >= again_from && bytes <= 16 * MiB);
}

/// Can a node do it by way of its windows, because the buffers are registered? Not blocks that are no multiple of what
/// NCCL's kernels for windows move at once: in 2.28 these overwrite neighbours. Of a gather the result must be
/// registered (a shard that is not goes into its slot first), of a reduction both buffers.
inline bool windows_serve(const bound_call& c, const member& group) {
  const group_shape& shape = group.shape();
  if (!c.dense() || shape.node_size == 1 || c.count(0) == 0) return false;
  if (!c.hierarchical() && (shape.nodes > 1 || !shape.flat_reason.empty())) return false;
  const std::size_t all = c.call().blocks.total() * c.width();
  if (c.bytes(0) % window_unit != 0 || !lies_on_window_units(c.output)) return false;
  if (c.call().what == operation::all_gather) return group.registered(c.output, all);
  if (!mics::detail::is_reduction(c.call().what) || c.hierarchical() || c.planned->widened()) return false;
  const std::size_t result = c.call().what == operation::all_reduce ? all : c.bytes(c.shape->rank);
  return sums_in_windows(c.call()) && windows_gain(c.call().what, all) && lies_on_window_units(c.input) &&
         group.registered(c.input, all) && group.registered(c.output, result);
}

/// The call in whole blocks, which windows need and gain more by than by stages that overlap, unless the caller asked
/// for pieces.
inline bound_call without_pieces(bound_call c) noexcept {
  if (c.planned->how.asked().chunk_bytes == 0) c.pieces = 1;
  return c;
}

/// Is this a gather whose rail stage fills rows of the scratch memory instead of the result? Not where the result is
/// registered: the node stage gains more by windows than the rail stage by rows.
inline bool brings_rows(const bound_call& c, bool alone, bool windows) {
  if (c.call().what != operation::all_gather || !c.hierarchical() || !c.even()) return false;
  if (!alone && c.dense() && c.bytes(0) < packed_block_bytes) return true;
  const bool straight = windows && c.bytes(0) >= messages_from;
  return c.planned->how.on_rail() == algorithm::native && !straight;
}

}  // namespace detail

/// Decides by which rows and communicators a call goes, and whether in pieces, from what every rank of the group knows.
/// `alone`: it is not part of a batch.
inline void find_route(bound_call& c, const member& group, bool alone) {
  const bool windows = detail::windows_serve(detail::without_pieces(c), group);
  if (windows) c.pieces = 1;
  const bool gathers_rows = detail::brings_rows(c, alone, windows);
  if (gathers_rows || (c.hierarchical() && c.call().what == operation::reduce_scatter)) {
    c.rail_rows = c.dense() ? rows_of::pack : rows_of::call;
  }
  const bool messages = c.hierarchical() && c.pieces == 1 && c.planned->how.on_rail() == algorithm::direct;
  c.by_messages = c.call().what == operation::all_reduce && messages &&
                  (alone || c.planned->how.asked().on_rail == algorithm::direct);  // a kernel each would cost more
  c.node_in = c.hierarchical() ? stage::node : stage::whole;
  if (!windows || gathers_rows) return;  // rows of temporary memory are not registered
  const std::size_t row = c.bytes(0) * static_cast<std::size_t>(group.shape().node_size);
  const bool by_engines = c.call().what == operation::all_gather && group.by_copy_engines(row);
  c.node_in = by_engines ? stage::copy_engines : stage::windows;
}

}  // namespace mics::nccl
