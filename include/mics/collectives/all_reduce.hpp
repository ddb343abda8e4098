#pragma once

#include <cstddef>
#include <iterator>

#include <mics/collectives/buffer.hpp>
#include <mics/collectives/call.hpp>
#include <mics/collectives/check.hpp>
#include <mics/collectives/launch.hpp>
#include <mics/communicator.hpp>

namespace mics {

namespace detail {

inline collective_call all_reduce_call(const call_site& at, const void* input, void* output, std::size_t count,
                                       data_type type, reduction reduce) {
  constexpr operation what = operation::all_reduce;
  return {.what = what,
          .type = type,
          .reduce = reduce,
          .input = input,
          .output = output,
          .blocks = schedule::block_layout::split(at.size, checked_count(at, what, count, type, 1))};
}

template <reducible_buffer Input, writable_buffer Output>
collective_call all_reduce_call(const call_site& at, const Input& input, Output& output, reduction reduce) {
  const auto call = all_reduce_call(at, std::data(input), std::data(output), std::size(input), type_of<Input>, reduce);
  require_length(at, call.what, "output", std::size(output), call.blocks.total());
  return call;
}

}  // namespace detail

/// Reduces `input` element by element over all ranks of the group; every rank gets the whole result in `output`.
/// - Shapes: n elements each, the same n on every rank; n need not be a multiple of the ranks.
/// - In place: `input` and `output` may be the same buffer; any other overlap is a usage_error.
/// - Memory: none for `direct` and `ring`, plan_for(...).temporary_bytes() for the others (over NCCL a part of the
///   buffer where parts cross the rail as messages, else none); accumulation::widened takes float copies of both
///   buffers besides.
/// - Order: with a stream, enqueued on it; without one, blocks until `output` is complete and `input` may be changed.
/// - Deterministic, and the same to the bit on every rank. `avg` scales once: the sum at the end, or, over NCCL, each
///   rank's terms as they are read. 16-bit floats are folded in float and rounded once a step of the algorithm, or once
///   in all when widened.
/// - Throws usage_error before any data moves, e.g. for avg of integers and types that are only copied (typed buffers
///   of those do not compile); later failures throw where they are waited for.
/// - Source: MiCS, VLDB 2023: reduce-scatter in the node, all-reduce on the rail, gather in the node.
template <communicator C, reducible_buffer Input, writable_buffer Output>
requires same_elements<Input, Output>
void all_reduce(const C& comm, const Input& input, Output&& output, reduction reduce,
                const collective_options& options = {}) {
  detail::launch_one(comm, detail::all_reduce_call(detail::call_site(comm), input, output, reduce), options);
}

template <communicator C, reducible_buffer Input, writable_buffer Output>
requires same_elements<Input, Output>
void all_reduce(const C& comm, Input&& input, Output&& output, reduction reduce, stream_of<C> stream,
                const collective_options& options = {}) {
  static_assert(detail::check_outlives<Input, Output>());
  detail::launch_one(comm, detail::all_reduce_call(detail::call_site(comm), input, output, reduce), stream, options);
}

/// The same for callers whose types are known at run time; `count` is the number of elements of the buffer.
template <communicator C>
void all_reduce(const C& comm, const void* input, void* output, std::size_t count, data_type type, reduction reduce,
                const collective_options& options = {}) {
  detail::launch_one(comm, detail::all_reduce_call(detail::call_site(comm), input, output, count, type, reduce),
                     options);
}

template <communicator C>
void all_reduce(const C& comm, const void* input, void* output, std::size_t count, data_type type, reduction reduce,
                stream_of<C> stream, const collective_options& options = {}) {
  detail::launch_one(comm, detail::all_reduce_call(detail::call_site(comm), input, output, count, type, reduce), stream,
                     options);
}

}  // namespace mics
