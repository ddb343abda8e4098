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

inline collective_call all_gather_call(const call_site& at, const void* shard, void* full, std::size_t count,
                                       data_type type) {
  constexpr operation what = operation::all_gather;
  return {.what = what,
          .type = type,
          .input = shard,
          .output = full,
          .blocks = schedule::block_layout::uniform(at.size, checked_count(at, what, count, type, at.size))};
}

template <buffer Shard, writable_buffer Full>
collective_call all_gather_call(const call_site& at, const Shard& shard, Full& full) {
  const auto call = all_gather_call(at, std::data(shard), std::data(full), std::size(shard), type_of<Shard>);
  require_length(at, call.what, "full", std::size(full), call.blocks.total());
  return call;
}

inline collective_call all_gather_v_call(const call_site& at, const void* shard, void* full,
                                         std::span<const std::size_t> counts, data_type type) {
  constexpr operation what = operation::all_gather;
  return {.what = what, .type = type, .input = shard, .output = full, .blocks = checked_counts(at, what, counts, type)};
}

template <buffer Shard, writable_buffer Full>
collective_call all_gather_v_call(const call_site& at, const Shard& shard, Full& full,
                                  std::span<const std::size_t> counts) {
  const auto call = all_gather_v_call(at, std::data(shard), std::data(full), counts, type_of<Shard>);
  require_length(at, call.what, "shard", std::size(shard), call.blocks.length(at.rank));
  require_length(at, call.what, "full", std::size(full), call.blocks.total());
  return call;
}

}  // namespace detail

/// Gathers every rank's `shard` into `full`, on every rank of the group.
/// - Shapes: `shard` has n elements, the same n on every rank; `full` has n * size(); rank r's part is [r*n, (r+1)*n).
/// - In place: `shard` may be exactly its own part of `full`; any other overlap is a usage_error.
/// - Memory: none but the buffers; over NCCL `packed` forms and small coalesced ones have up to a copy of the node's
///   rows, see plan_for(...).temporary_bytes().
/// - Order: with a stream, enqueued on it, and the call returns at once; without one (not over NCCL), blocks until
///   `full` is complete and `shard` may be changed.
/// - Bit-exact, whatever the algorithm.
/// - Throws usage_error before any data moves; later failures throw here or where the stream is waited for.
/// - Source: MiCS, VLDB 2023, hierarchical communication.
template <communicator C, buffer Shard, writable_buffer Full>
requires same_elements<Shard, Full>
void all_gather(const C& comm, const Shard& shard, Full&& full, const collective_options& options = {}) {
  detail::launch_one(comm, detail::all_gather_call(detail::call_site(comm), shard, full), options);
}

template <communicator C, buffer Shard, writable_buffer Full>
requires same_elements<Shard, Full>
void all_gather(const C& comm, Shard&& shard, Full&& full, stream_of<C> stream,
                const collective_options& options = {}) {
  static_assert(detail::check_outlives<Shard, Full>());
  detail::launch_one(comm, detail::all_gather_call(detail::call_site(comm), shard, full), stream, options);
}

/// The same for callers whose types are known at run time; `count` is the number of elements of one shard.
template <communicator C>
void all_gather(const C& comm, const void* shard, void* full, std::size_t count, data_type type,
                const collective_options& options = {}) {
  detail::launch_one(comm, detail::all_gather_call(detail::call_site(comm), shard, full, count, type), options);
}

template <communicator C>
void all_gather(const C& comm, const void* shard, void* full, std::size_t count, data_type type, stream_of<C> stream,
                const collective_options& options = {}) {
  detail::launch_one(comm, detail::all_gather_call(detail::call_site(comm), shard, full, count, type), stream, options);
}

/// Gathers shards of different lengths: rank r contributes counts[r] elements, packed in rank order in `full`.
/// `counts` is the same on every rank, has an entry a rank, and may contain zeros. Otherwise as all_gather.
template <communicator C, buffer Shard, writable_buffer Full>
requires same_elements<Shard, Full>
void all_gather_v(const C& comm, const Shard& shard, Full&& full, std::span<const std::size_t> counts,
                  const collective_options& options = {}) {
  detail::launch_one(comm, detail::all_gather_v_call(detail::call_site(comm), shard, full, counts), options);
}

template <communicator C, buffer Shard, writable_buffer Full>
requires same_elements<Shard, Full>
void all_gather_v(const C& comm, Shard&& shard, Full&& full, std::span<const std::size_t> counts, stream_of<C> stream,
                  const collective_options& options = {}) {
  static_assert(detail::check_outlives<Shard, Full>());
  detail::launch_one(comm, detail::all_gather_v_call(detail::call_site(comm), shard, full, counts), stream, options);
}

/// The same for callers whose types are known at run time.
template <communicator C>
void all_gather_v(const C& comm, const void* shard, void* full, std::span<const std::size_t> counts, data_type type,
                  const collective_options& options = {}) {
  detail::launch_one(comm, detail::all_gather_v_call(detail::call_site(comm), shard, full, counts, type), options);
}

template <communicator C>
void all_gather_v(const C& comm, const void* shard, void* full, std::span<const std::size_t> counts, data_type type,
                  stream_of<C> stream, const collective_options& options = {}) {
  detail::launch_one(comm, detail::all_gather_v_call(detail::call_site(comm), shard, full, counts, type), stream,
                     options);
}

}  // namespace mics
