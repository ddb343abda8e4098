#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include <mics/error.hpp>
#include <mics/plan/choice.hpp>
#include <mics/shape.hpp>
#include <mics/transport/nccl/kernels.hpp>
#include <mics/transport/nccl/tuning.hpp>

namespace mics::nccl {

// Built-in rules, where no tuned table speaks. Measured with bench/mics_perf on 2 x 2, 4 x 2 and 2 x 4 GPUs with NCCL
// 2.28, see bench/README.md: a table of one's own machine is better.

/// The rail stage is faster by messages for blocks of these sizes: there NCCL's collectives have left their protocol
/// for few bytes and do not have enough yet for that of many. Elsewhere one collective is, and its rows are worth their
/// memory; but on more than two nodes messages are again for blocks below the third size.
inline constexpr std::size_t messages_from = std::size_t{8} << 10;
inline constexpr std::size_t messages_to = std::size_t{256} << 10;
inline constexpr std::size_t few_bytes = 256;
/// The most that a rank adds up, of sums that go as messages.
inline constexpr std::size_t added_up_to = std::size_t{256} << 10;
/// Between these sizes, the latter of a rank's part of its node's sum, an all-reduce on two nodes whose sums cannot go
/// as messages is NCCL's own: its tree brings no more bytes into a node than three stages do, with one launch. Above,
/// the stages use the network of every GPU of a node, and are up to twice as fast.
inline constexpr std::size_t tree_from = std::size_t{32} << 10;
inline constexpr std::size_t tree_to = std::size_t{64} << 10;
/// Below this size the launches of stages cost more than the slow links, but for two nodes' gathers and
/// reduce-scatters; the three of an all-reduce do so up to another one on nodes of more than two ranks.
inline constexpr std::size_t stages_from = 512;
inline constexpr std::size_t wide_stages_from = std::size_t{4} << 10;
/// From this size on the stages overlap, in a few pieces of every block: the node stage of one runs beside the rail
/// stage of the next. More of them, or smaller ones, cost more than the node stage takes.
inline constexpr std::size_t overlap_from = std::size_t{16} << 20;
inline constexpr std::size_t overlap_pieces = 8;
inline constexpr std::size_t smallest_piece = std::size_t{2} << 20;

namespace detail {

/// Can its sums go as messages? A kernel must know how to add them up, and blocks must be whole; parts of an all-reduce
/// go so between two nodes only, where that brings no more bytes into a node than a collective, and all ranks add up
/// the same, in whatever order.
inline bool can_send_sums(const plan_request& r, const group_shape& shape) noexcept {
  const bool whole = r.chunk_bytes == 0 || r.chunk_bytes >= r.block_bytes;
  const bool for_it = r.what == operation::reduce_scatter || (r.what == operation::all_reduce && shape.nodes == 2);
  return for_it && whole && r.plain_sum && device_kernels().sum != nullptr;
}

/// Does the rail stage gain by messages?
inline bool gains_by_messages(const plan_request& r, const group_shape& shape) noexcept {
  const auto nodes = static_cast<std::size_t>(shape.nodes), node_size = static_cast<std::size_t>(shape.node_size);
  const bool few = nodes > 2 && r.block_bytes < few_bytes;
  if (r.on_rail == algorithm::native) return false;
  switch (r.what) {
    case operation::all_gather:
      return few || (r.block_bytes >= messages_from && r.block_bytes < messages_to);
    case operation::reduce_scatter:
      return can_send_sums(r, shape) &&
             (few || (r.block_bytes >= messages_from && nodes * r.block_bytes <= added_up_to));
    case operation::all_reduce:
      return can_send_sums(r, shape) && nodes * (r.bytes / node_size) <= added_up_to;
    default:
      return false;
  }
}

/// A table speaks of sums of floats in a program with kernels: of what else there is, messages are no form.
inline bool has_its_form(const tuned_range& range, const plan_request& r, const group_shape& shape) noexcept {
  const bool messages = range.how == algorithm::hierarchical && range.on_rail == algorithm::direct;
  const bool sums = r.what == operation::reduce_scatter || r.what == operation::all_reduce;
  return !messages || !sums || can_send_sums(r, shape);
}

inline plan_choice choose_automatic(const plan_request& r, const group_shape& shape, const tuned_table& table) {
  if (!shape.hierarchical() || shape.node_size == 1 || r.what == operation::barrier) {
    return {.how = algorithm::native, .why = "the group has no node stage: NCCL's own collective"};
  }
  const tuned_range* const range = table.find(r.what, r.bytes, shape);
  if (range != nullptr && has_its_form(*range, r, shape)) {
    return {.how = range->how,
            .on_rail = range->on_rail,
            .chunk_bytes = range->chunk_bytes,
            .why = "the fastest in the tuned table"};
  }
  if (r.what == operation::broadcast) {
    return {.how = algorithm::native, .why = "NCCL's ring already enters each node once"};
  }
  const bool all_reduce = r.what == operation::all_reduce;
  const bool tiny = r.bytes < (all_reduce && shape.node_size > 2 ? wide_stages_from : stages_from);
  if (tiny && (all_reduce || shape.nodes > 2)) {
    return {.how = algorithm::native, .why = "so few bytes cost less than the launches of stages"};
  }
  const auto k = static_cast<std::size_t>(shape.node_size);
  const bool messages = gains_by_messages(r, shape);
  if (all_reduce && !messages && shape.nodes == 2 && r.bytes >= tree_from && r.bytes < tree_to * k) {
    return {.how = algorithm::native, .why = "on two nodes NCCL's tree brings as few bytes into a node"};
  }
  return {.how = algorithm::hierarchical,
          .on_rail = messages ? algorithm::direct : algorithm::native,
          .chunk_bytes = r.bytes < overlap_from ? 0 : std::max(r.block_bytes / overlap_pieces, smallest_piece),
          .why = "the group spans nodes: each byte crosses the slow links once a node that needs it"};
}

/// Which rail stage an operation can have.
inline algorithm rail_form(const plan_request& r, const plan_choice& c, const group_shape& shape) {
  if (r.what == operation::all_gather) return c.on_rail;
  const bool whole = c.chunk_bytes == 0 || c.chunk_bytes >= r.block_bytes;
  return whole && can_send_sums(r, shape) ? c.on_rail : algorithm::native;
}

/// The rows that the rail stage reads or writes, and the messages that it adds up.
inline std::size_t scratch_blocks(const plan_request& r, const plan_choice& c, const group_shape& shape) {
  if (c.how != algorithm::hierarchical) return 0;
  const auto nodes = static_cast<std::size_t>(shape.nodes);
  const std::size_t rows = c.on_rail == algorithm::native ? nodes : 0, messages = nodes - 1;
  switch (r.what) {
    case operation::all_gather:
      return rows;
    case operation::reduce_scatter:
      return rows > 0 ? rows : nodes + messages;
    case operation::all_reduce:
      return rows > 0 ? 0 : nodes * messages;  // a part is a block a node
    default:
      return 0;
  }
}

}  // namespace detail

/// Decides how NCCL's collectives are put together, from what every rank knows. O(ranges of the table), no allocation.
/// Throws usage_error when an algorithm was asked for that cannot serve the operation or the group.
inline plan_choice choose(const plan_request& r, const group_shape& shape, const tuned_table& table) {
  plan_choice c = detail::choose_automatic(r, shape, table);
  if (r.how != algorithm::automatic && r.how != c.how) {
    const auto refuse = [&](const std::string& why_not) {
      throw usage_error("algorithm " + std::string(name_of(r.how)) + " was asked for, but " + why_not,
                        {.rank = shape.rank, .operation = std::string(name_of(r.what))});
    };
    if (r.how != algorithm::native && r.how != algorithm::hierarchical) {
      refuse("over NCCL there are native and hierarchical");
    }
    if (r.how == algorithm::hierarchical) {
      if (r.what == operation::barrier) refuse("a barrier has no stages");
      if (!shape.hierarchical()) {
        refuse(shape.flat_reason.empty() ? "the group lies inside one node, so there is no rail stage"
                                         : shape.flat_reason);
      }
    }
    const bool messages = r.what == operation::all_gather || detail::gains_by_messages(r, shape);
    c = {.how = r.how, .on_rail = messages ? algorithm::direct : algorithm::native, .why = "asked for by the caller"};
  }
  if (r.on_rail != algorithm::automatic && r.on_rail != algorithm::direct && r.on_rail != algorithm::native) {
    throw usage_error("a rail stage by " + std::string(name_of(r.on_rail)) + " was asked for; allowed: direct, native",
                      {.rank = shape.rank, .operation = std::string(name_of(r.what))});
  }
  const bool staged = c.how == algorithm::hierarchical;
  if (r.on_rail != algorithm::automatic) c.on_rail = r.on_rail;
  if (r.chunk_bytes > 0) c.chunk_bytes = r.chunk_bytes;
  c.on_rail = staged ? detail::rail_form(r, c, shape) : algorithm::direct;
  // One collective of NCCL's cuts what it moves by itself.
  if (!staged || c.chunk_bytes == 0) c.chunk_bytes = std::max<std::size_t>(r.block_bytes, 1);
  c.scratch_blocks = detail::scratch_blocks(r, c, shape);
  return c;
}

}  // namespace mics::nccl
