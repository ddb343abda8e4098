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

inline collective_call broadcast_call(const call_site& at, void* data, std::size_t count, data_type type, int root) {
  constexpr operation what = operation::broadcast;
  return {.what = what,
          .type = type,
          .root = root,
          .input = data,
          .output = data,
          .blocks = schedule::block_layout::uniform(1, checked_count(at, what, count, type, 1))};
}

template <writable_buffer Data> collective_call broadcast_call(const call_site& at, Data& data, int root) {
  return broadcast_call(at, std::data(data), std::size(data), type_of<Data>, root);
}

}  // namespace detail

/// Copies `data` of rank `root` into `data` of every other rank of the group. In a group that covers several
/// nodes evenly the bytes enter each node once.
/// - Shapes: the same number of elements on every rank. In place by nature; no temporary memory.
/// - Order: with a stream, enqueued on it; without one (not over NCCL), blocks until `data` is complete here and nobody
///   reads it any more. The root does not wait for the others where a copy of `data` could be left for them: up to 8
///   KiB inside a node.
/// - Bit-exact, whatever the algorithm.
/// - Throws usage_error before any data moves, e.g. for a root outside the group; later failures throw where they are
///   waited for.
/// - Source: MPICH's binomial tree; hierarchical: MiCS, VLDB 2023, hierarchical communication.
template <communicator C, writable_buffer Data>
void broadcast(const C& comm, Data&& data, int root, const collective_options& options = {}) {
  detail::launch_one(comm, detail::broadcast_call(detail::call_site(comm), data, root), options);
}

template <communicator C, writable_buffer Data>
void broadcast(const C& comm, Data&& data, int root, stream_of<C> stream, const collective_options& options = {}) {
  static_assert(detail::check_outlives<Data>());
  detail::launch_one(comm, detail::broadcast_call(detail::call_site(comm), data, root), stream, options);
}

/// The same for callers whose types are known at run time; `count` is the number of elements.
template <communicator C>
void broadcast(const C& comm, void* data, std::size_t count, data_type type, int root,
               const collective_options& options = {}) {
  detail::launch_one(comm, detail::broadcast_call(detail::call_site(comm), data, count, type, root), options);
}

template <communicator C>
void broadcast(const C& comm, void* data, std::size_t count, data_type type, int root, stream_of<C> stream,
               const collective_options& options = {}) {
  detail::launch_one(comm, detail::broadcast_call(detail::call_site(comm), data, count, type, root), stream, options);
}

}  // namespace mics
