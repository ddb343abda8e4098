#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <mics/collectives/call.hpp>
#include <mics/collectives/check.hpp>
#include <mics/collectives/check_apart.hpp>
#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/options.hpp>
#include <mics/plan.hpp>

namespace mics {

/// A checked call with its plan.
struct planned_call {
  collective_call call;
  data_type moved;  ///< the type that travels: float for widened 16-bit floats, else the caller's
  plan how;

  [[nodiscard]] bool widened() const noexcept { return moved != call.type; }
};

/// What else a transport with collectives of its own is told about a call.
struct native_options {
  std::chrono::milliseconds timeout;  ///< of whatever waits for other ranks
  bool checked;                       ///< compare the call among all ranks first
};

/// A transport with collectives of its own: it is given planned calls and runs them, stage by stage as their plans say,
/// as one in the order of a stream.
template <class C>
concept native_communicator = communicator<C> &&
    requires(const C& c, std::span<const planned_call> calls, typename C::stream_type stream,
             const native_options& options) {
  c.enqueue(calls, stream, options);
};

/// One that knows calls which it has run before, and runs them again without their plans.
template <class C>
concept repeating_communicator = native_communicator<C> &&
    requires(const C& c, const collective_call& call, typename C::stream_type stream,
             const collective_options& options) {
  { c.repeat(call, stream, options) } -> std::same_as<bool>;
};

namespace detail {

inline bool is_reduction(operation what) noexcept {
  return what == operation::reduce_scatter || what == operation::all_reduce;
}

inline data_type moved_type(const collective_call& call, const collective_options& options) noexcept {
  const bool narrow = call.type == data_type::float16 || call.type == data_type::bfloat16;
  const bool widened = options.accumulate == accumulation::widened && is_reduction(call.what) && narrow;
  return widened ? data_type::float32 : call.type;
}

inline bool adds_floats(data_type type, reduction how) noexcept {
  return !is_integer(type) && (how == reduction::sum || how == reduction::avg);
}

/// What the float copies of a widened call's buffers hold: its whole input, and its output.
inline std::size_t widened_elements(const collective_call& call, int rank) {
  const std::size_t all = call.blocks.total();
  return all + (call.what == operation::all_reduce ? all : call.blocks.length(rank));
}

template <communicator C>
plan plan_of(const C& comm, const collective_call& call, data_type moved, const collective_options& options) {
  const std::size_t width = size_of(moved);
  const std::size_t all = call.blocks.total() * width;
  plan_request request{
      call.what,
      all,
      call.blocks.longest() * width,
      call.root,
      options.how,
      options.chunk_bytes,
      width,
      moved != call.type ? widened_elements(call, comm.rank()) * width : 0,
      options.on_rail,
      (call.what != operation::reduce_scatter || call.blocks.even()) && adds_floats(call.type, call.reduce)};
  plan made = make_plan(comm, request);
  if (single_block(made.recipe()) && call.blocks.blocks() > 1) {
    request.block_bytes = request.bytes;
    made = make_plan(comm, request);
  }
  return made;
}

/// How a call will run.
struct call_plan {
  data_type moved;  ///< as that of planned_call
  plan how;
};

inline void check_timeout(const call_site& at, operation what, const collective_options& options) {
  at.require(options.timeout.count() >= 0, what, [&] {
    return "a timeout of " + std::to_string(options.timeout.count()) + " ms; allowed: 0 (the communicator's) and more";
  });
}

/// Checks and plans one call.
template <communicator C>
call_plan plan_call(const C& comm, const call_site& at, const collective_call& call,
                    const collective_options& options) {
  call_check(call, at).run();
  const data_type moved = moved_type(call, options);
  return {moved, plan_of(comm, call, moved, options)};
}

/// Checks and plans the calls that run as one, and hands them to `use`, where they live. One alone takes no memory from
/// the heap.
template <communicator C, class Use>
void with_planned(const C& comm, std::span<const collective_call> calls, const collective_options& options, Use use) {
  const call_site at(comm);
  check_timeout(at, calls.front().what, options);
  const auto planned = [&](const collective_call& call) -> planned_call {
    const auto [moved, how] = plan_call(comm, at, call, options);
    return {call, moved, how};
  };
  if (calls.size() == 1) {
    const planned_call one = planned(calls.front());
    return use(std::span(&one, 1));
  }
  std::vector<planned_call> all;
  all.reserve(calls.size());
  for (const collective_call& call : calls) all.push_back(planned(call));
  check_apart(calls, at);
  use(std::span<const planned_call>(all));
}

}  // namespace detail

}  // namespace mics
