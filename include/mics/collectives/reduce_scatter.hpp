#pragma once

#include <cstddef>
#include <iterator>
#include <span>

#include <mics/collectives/buffer.hpp>
#include <mics/collectives/call.hpp>
#include <mics/collectives/check.hpp>
#include <mics/collectives/launch.hpp>
#include <mics/communicator.hpp>

namespace mics {

namespace detail {

inline collective_call reduce_scatter_call(const call_site& at, const void* input, void* shard, std::size_t count,
                                           data_type type, reduction reduce) {
  constexpr operation what = operation::reduce_scatter;
  return {.what = what,
          .type = type,
          .reduce = reduce,
          .input = input,
          .output = shard,
          .blocks = schedule::block_layout::uniform(at.size, checked_count(at, what, count, type, at.size))};
}

template <reducible_buffer Input, writable_buffer Shard>
collective_call reduce_scatter_call(const call_site& at, const Input& input, Shard& shard, reduction reduce) {
  const auto call =
      reduce_scatter_call(at, std::data(input), std::data(shard), std::size(shard), type_of<Input>, reduce);
  require_length(at, call.what, "input", std::size(input), call.blocks.total());
  return call;
}

inline collective_call reduce_scatter_v_call(const call_site& at, const void* input, void* shard,
                                             std::span<const std::size_t> counts, data_type type, reduction reduce) {
  constexpr operation what = operation::reduce_scatter;
  return {.what = what,
          .type = type,
          .reduce = reduce,
          .input = input,
          .output = shard,
          .blocks = checked_counts(at, what, counts, type)};
}

template <reducible_buffer Input, writable_buffer Shard>
collective_call reduce_scatter_v_call(const call_site& at, const Input& input, Shard& shard,
                                      std::span<const std::size_t> counts, reduction reduce) {
  const auto call = reduce_scatter_v_call(at, std::data(input), std::data(shard), counts, type_of<Input>, reduce);
  require_length(at, call.what, "shard", std::size(shard), call.blocks.length(at.rank));
  require_length(at, call.what, "input", std::size(input), call.blocks.total());
  return call;
}

}  // namespace detail

/// Reduces `input` element by element over all ranks of the group and leaves each rank with its own part.
/// - Shapes: `shard` has n elements, the same n on every rank; `input` has n * size(); rank r gets [r*n, (r+1)*n).
/// - In place: `shard` may be exactly its own part of `input`; any other overlap is a usage_error.
/// - Memory: none for `direct`; one block a node where it is hierarchical, two with a ring on the rail, or over NCCL
///   with messages on it; size() - 2 blocks for a ring; otherwise what plan_for(...).temporary_bytes() says.
///   accumulation::widened takes float copies of both buffers besides.
/// - Order: with a stream, enqueued on it; without one (not over NCCL), blocks until `shard` is complete and `input`
///   may be changed.
/// - Deterministic: the order of additions depends on the algorithm and the group only. `avg` scales once: the sum at
///   the end, or, over NCCL, each rank's terms as they are read.
///   16-bit floats are folded in float and rounded once a step of the algorithm, or once in all when widened.
/// - Throws usage_error before any data moves, e.g. for avg of integers and types that are only copied (typed buffers
///   of those do not compile); later failures throw where they are waited for.
/// - Source: MiCS, VLDB 2023, hierarchical communication.
template <communicator C, reducible_buffer Input, writable_buffer Shard>
requires same_elements<Input, Shard>
void reduce_scatter(const C& comm, const Input& input, Shard&& shard, reduction reduce,
                    const collective_options& options = {}) {
  detail::launch_one(comm, detail::reduce_scatter_call(detail::call_site(comm), input, shard, reduce), options);
}

template <communicator C, reducible_buffer Input, writable_buffer Shard>
requires same_elements<Input, Shard>
void reduce_scatter(const C& comm, Input&& input, Shard&& shard, reduction reduce, stream_of<C> stream,
                    const collective_options& options = {}) {
  static_assert(detail::check_outlives<Input, Shard>());
  detail::launch_one(comm, detail::reduce_scatter_call(detail::call_site(comm), input, shard, reduce), stream, options);
}

/// The same for callers whose types are known at run time; `count` is the number of elements of one shard.
template <communicator C>
void reduce_scatter(const C& comm, const void* input, void* shard, std::size_t count, data_type type, reduction reduce,
                    const collective_options& options = {}) {
  detail::launch_one(comm, detail::reduce_scatter_call(detail::call_site(comm), input, shard, count, type, reduce),
                     options);
}

template <communicator C>
void reduce_scatter(const C& comm, const void* input, void* shard, std::size_t count, data_type type, reduction reduce,
                    stream_of<C> stream, const collective_options& options = {}) {
  detail::launch_one(comm, detail::reduce_scatter_call(detail::call_site(comm), input, shard, count, type, reduce),
                     stream, options);
}

/// Reduces into shards of different lengths: rank r gets counts[r] elements, packed in rank order in `input`.
/// `counts` is the same on every rank, has an entry a rank, and may contain zeros. Otherwise as reduce_scatter.
template <communicator C, reducible_buffer Input, writable_buffer Shard>
requires same_elements<Input, Shard>
void reduce_scatter_v(const C& comm, const Input& input, Shard&& shard, std::span<const std::size_t> counts,
                      reduction reduce, const collective_options& options = {}) {
  detail::launch_one(comm, detail::reduce_scatter_v_call(detail::call_site(comm), input, shard, counts, reduce),
                     options);
}

template <communicator C, reducible_buffer Input, writable_buffer Shard>
requires same_elements<Input, Shard>
void reduce_scatter_v(const C& comm, Input&& input, Shard&& shard, std::span<const std::size_t> counts,
                      reduction reduce, stream_of<C> stream, const collective_options& options = {}) {
  static_assert(detail::check_outlives<Input, Shard>());
  detail::launch_one(comm, detail::reduce_scatter_v_call(detail::call_site(comm), input, shard, counts, reduce), stream,
                     options);
}

/// The same for callers whose types are known at run time.
template <communicator C>
void reduce_scatter_v(const C& comm, const void* input, void* shard, std::span<const std::size_t> counts,
                      data_type type, reduction reduce, const collective_options& options = {}) {
  detail::launch_one(comm, detail::reduce_scatter_v_call(detail::call_site(comm), input, shard, counts, type, reduce),
                     options);
}

template <communicator C>
void reduce_scatter_v(const C& comm, const void* input, void* shard, std::span<const std::size_t> counts,
                      data_type type, reduction reduce, stream_of<C> stream, const collective_options& options = {}) {
  detail::launch_one(comm, detail::reduce_scatter_v_call(detail::call_site(comm), input, shard, counts, type, reduce),
                     stream, options);
}

}  // namespace mics
