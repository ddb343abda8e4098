#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <mics/collectives/call.hpp>
#include <mics/collectives/check.hpp>
#include <mics/communicator.hpp>
#include <mics/plan.hpp>
#include <mics/schedule/launch.hpp>

namespace mics::detail {

inline bool is_reduction(operation what) noexcept {
  return what == operation::reduce_scatter || what == operation::all_reduce;
}

inline bool is_widened(const collective_call& call, const collective_options& options) noexcept {
  return options.accumulate == accumulation::widened && is_reduction(call.what) &&
         (call.type == data_type::float16 || call.type == data_type::bfloat16);
}

/// From this size on the results of a node's ranks do not fit its cache, so they are written past it.
inline constexpr std::size_t streaming_bytes = std::size_t{32} << 20;

template <communicator C>
plan plan_of(const C& comm, const collective_call& call, data_type moved, const collective_options& options) {
  const std::size_t width = size_of(moved);
  plan_request request{call.what,   call.blocks.total() * width, call.blocks.longest() * width, call.root,
                       options.how, options.chunk_bytes};
  plan made = make_plan(comm, request);
  if (!schedule::single_block(made.recipe()) || call.blocks.blocks() == 1) return made;
  request.block_bytes = request.bytes;
  return make_plan(comm, request);
}

/// Binds a planned call to its memory.
inline schedule::part bind(const collective_call& call, const plan& how, data_type moved, const group_shape& shape) {
  schedule::part p;
  p.steps = &how.steps();
  p.chunks = how.chunks();
  p.type = moved;
  p.reduce = call.reduce;
  p.layout =
      schedule::single_block(how.recipe()) ? schedule::block_layout::uniform(1, call.blocks.total()) : call.blocks;
  p.input = static_cast<const std::byte*>(call.input);
  p.output = static_cast<std::byte*>(call.output);
  if (call.what == operation::all_gather) p.input_origin = p.layout.offset(shape.rank);
  if (call.what == operation::reduce_scatter) p.output_origin = p.layout.offset(shape.rank);
  if (is_reduction(call.what) && call.reduce == reduction::avg) p.scale = 1.0 / shape.size;
  p.streaming = p.layout.total() * size_of(moved) * static_cast<std::size_t>(shape.node_size) >= streaming_bytes;
  return p;
}

/// Folds a number into a fingerprint (FNV-1a over its bytes).
inline void mix(std::uint64_t& fingerprint, std::uint64_t number) noexcept {
  for (int byte = 0; byte < 8; ++byte) fingerprint = (fingerprint ^ (number >> (8 * byte) & 0xff)) * 0x100000001b3;
}

inline void add_to_signature(schedule::signature& s, const collective_call& call, data_type moved,
                             const plan& how) noexcept {
  for (const auto number :
       {static_cast<std::uint64_t>(call.what), static_cast<std::uint64_t>(call.type), static_cast<std::uint64_t>(moved),
        static_cast<std::uint64_t>(call.reduce), static_cast<std::uint64_t>(how.how()),
        static_cast<std::uint64_t>(how.chunks()), static_cast<std::uint64_t>(call.root)}) {
    mix(s.fingerprint, number);
  }
  for (int block = 0; block < call.blocks.blocks(); ++block) mix(s.fingerprint, call.blocks.length(block));
}

/// Checks, plans and binds the calls that run as one.
template <communicator C>
schedule::launch make_launch(const C& comm, std::span<const collective_call> calls, const collective_options& options) {
  schedule::launch order;
  const int rank = comm.rank(), size = comm.size();
  const bool checked = size > 1 && options.checked.value_or(comm.checked());
  order.timeout = options.timeout.count() > 0 ? options.timeout : comm.timeout();
  order.parts.reserve(calls.size());
  for (const collective_call& call : calls) {
    call_check(call, rank, comm.name()).run(size);
    const bool widened = is_widened(call, options);
    const data_type moved = widened ? data_type::float32 : call.type;
    const plan how = plan_of(comm, call, moved, options);
    order.parts.push_back(bind(call, how, moved, comm.shape()));
    if (widened) {
      const std::size_t all = call.blocks.total();
      order.widened.push_back({order.parts.size() - 1, call.type, static_cast<const std::byte*>(call.input),
                               static_cast<std::byte*>(call.output), all,
                               call.what == operation::all_reduce ? all : call.blocks.length(rank)});
    }
    if (checked) add_to_signature(order.what, call, moved, how);
  }
  const collective_call& first = calls.front();
  order.what.what = first.what;
  order.what.type = first.type;
  order.what.reduce = first.reduce;
  order.what.root = first.root;
  order.what.calls = static_cast<std::uint32_t>(calls.size());
  order.what.elements = first.blocks.total();
  if (checked) {
    order.agreement = &comm.programs().find({operation::all_gather, algorithm::direct}, comm.shape());
  }
  return order;
}

/// Runs the calls as one and returns when this rank is done with them.
template <communicator C>
void launch(const C& comm, std::span<const collective_call> calls, const collective_options& options) {
  static_assert(check_communicator<C>());
  static_assert(message_communicator<C>, "mics: this communicator has no blocking form; give it a stream");
  if (!calls.empty()) comm.run(make_launch(comm, calls, options));
}

/// Runs the calls as one, in the order of `stream`, and returns at once.
template <communicator C>
void launch(const C& comm, std::span<const collective_call> calls, stream_of<C> stream,
            const collective_options& options) {
  static_assert(check_communicator<C>());
  if (!calls.empty()) comm.enqueue(make_launch(comm, calls, options), stream);
}

template <communicator C, class... Where>
void launch_one(const C& comm, const collective_call& call, const Where&... where) {
  launch(comm, std::span(&call, 1), where...);
}

}  // namespace mics::detail
