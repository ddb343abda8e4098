#pragma once

#include <cstddef>

#include <mics/collectives/call.hpp>
#include <mics/collectives/launch.hpp>
#include <mics/communicator.hpp>

namespace mics {

namespace detail {

inline collective_call barrier_call() {
  static constexpr std::byte token{};
  return {.what = operation::barrier, .input = &token, .blocks = schedule::block_layout::uniform(1, 1)};
}

}  // namespace detail

/// Returns (or, with a stream, lets the stream go on) once every rank of the group has come here.
/// - Moves: on hosts a byte a step, in ceil(log2(size)) steps, inside a node nothing but a look at all others; over
///   NCCL an all-reduce of one byte.
/// - Memory: none; over NCCL a byte on the GPU.
/// - Order: with a stream, enqueued on it, and the call returns at once; without one (not over NCCL), blocks.
/// - Throws usage_error, or where it is waited for, like the other collectives.
/// - Source: the dissemination barrier of Hensgen, Finkel and Manber, 1988.
template <communicator C> void barrier(const C& comm, const collective_options& options = {}) {
  detail::launch_one(comm, detail::barrier_call(), options);
}

template <communicator C> void barrier(const C& comm, stream_of<C> stream, const collective_options& options = {}) {
  detail::launch_one(comm, detail::barrier_call(), stream, options);
}

}  // namespace mics
