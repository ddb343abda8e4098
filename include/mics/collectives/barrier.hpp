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
/// Moves one byte a step, in ceil(log2(size)) steps. Throws like the other collectives.
template <communicator C> void barrier(const C& comm, const collective_options& options = {}) {
  detail::launch_one(comm, detail::barrier_call(), options);
}

template <communicator C> void barrier(const C& comm, stream_of<C> stream, const collective_options& options = {}) {
  detail::launch_one(comm, detail::barrier_call(), stream, options);
}

}  // namespace mics
