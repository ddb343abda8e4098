#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <mics/collectives/planned_call.hpp>
#include <mics/communicator.hpp>
#include <mics/plan/recipe.hpp>
#include <mics/schedule/launch.hpp>

namespace mics::detail {

/// From this size on the results of a node's ranks do not fit its cache, so they are written past it.
inline constexpr std::size_t streaming_bytes = std::size_t{32} << 20;

/// Binds a planned call to its memory.
inline void bind(schedule::part& p, const collective_call& call, const call_plan& planned, const group_shape& shape) {
  p.steps = &planned.how.steps();
  p.chunks = planned.how.chunks();
  p.type = planned.moved;
  p.reduce = call.reduce;
  const bool whole = single_block(planned.how.recipe());
  p.layout = whole ? schedule::block_layout::uniform(1, call.blocks.total()) : call.blocks;
  p.input = static_cast<const std::byte*>(call.input);
  p.output = static_cast<std::byte*>(call.output);
  if (call.what == operation::all_gather) p.input_origin = p.layout.offset(shape.rank);
  if (call.what == operation::reduce_scatter) p.output_origin = p.layout.offset(shape.rank);
  if (is_reduction(call.what) && call.reduce == reduction::avg) p.scale = 1.0 / shape.size;
  const std::size_t bytes = p.layout.total() * size_of(planned.moved);
  p.streaming = bytes * static_cast<std::size_t>(shape.node_size) >= streaming_bytes;
}

/// The conversions around a part that travels in a wider type than its caller's.
inline schedule::widening widening_of(const collective_call& call, std::size_t part, int rank) {
  const std::size_t all = call.blocks.total();
  return {part,
          call.type,
          static_cast<const std::byte*>(call.input),
          static_cast<std::byte*>(call.output),
          all,
          call.what == operation::all_reduce ? all : call.blocks.length(rank)};
}

/// Folds a number into a fingerprint (FNV-1a over its bytes).
inline void mix(std::uint64_t& fingerprint, std::uint64_t number) noexcept {
  for (int byte = 0; byte < 8; ++byte) fingerprint = (fingerprint ^ (number >> (8 * byte) & 0xff)) * 0x100000001b3;
}

/// All that must be the same on every rank of a launch that begins with this call: the call in words.
inline schedule::signature sign(const collective_call& first, const call_plan& planned, const group_shape& shape,
                                std::size_t calls) noexcept {
  schedule::signature s;
  s.what = first.what;
  s.type = first.type;
  s.moved = planned.moved;
  s.reduce = first.reduce;
  s.root = first.root;
  s.how = planned.how.how();
  s.chunks = planned.how.chunks();
  s.nodes = shape.nodes;
  s.calls = static_cast<std::uint32_t>(calls);
  s.elements = first.blocks.total();
  const int shown = std::min(first.blocks.blocks(), static_cast<int>(s.first_blocks.size()));
  for (int b = 0; b < shown; ++b) s.first_blocks[static_cast<std::size_t>(b)] = first.blocks.length(b);
  s.shown_blocks = static_cast<std::uint8_t>(shown);
  return s;
}

/// And a fingerprint of everything, each call in turn.
inline void add_to(schedule::signature& s, const collective_call& call, const call_plan& planned) noexcept {
  for (const auto number :
       {static_cast<std::uint64_t>(call.what), static_cast<std::uint64_t>(call.type),
        static_cast<std::uint64_t>(planned.moved), static_cast<std::uint64_t>(call.reduce),
        static_cast<std::uint64_t>(call.root), static_cast<std::uint64_t>(planned.how.how()),
        static_cast<std::uint64_t>(planned.how.on_rail()), static_cast<std::uint64_t>(planned.how.chunks())}) {
    mix(s.fingerprint, number);
  }
  for (int block = 0; block < call.blocks.blocks(); ++block) mix(s.fingerprint, call.blocks.length(block));
}

/// The same of calls that are planned already.
inline schedule::signature sign(std::span<const planned_call> calls, const group_shape& shape) noexcept {
  const planned_call& first = calls.front();
  schedule::signature s = sign(first.call, {first.moved, first.how}, shape, calls.size());
  for (const planned_call& each : calls) add_to(s, each.call, {each.moved, each.how});
  return s;
}

/// A communicator that says by which all-gather its ranks learn a small value of each, e.g. to spare connections.
template <class C>
concept chooses_small_gather = requires(const C& comm) {
  { comm.small_gather() } -> std::same_as<mics::recipe>;
};

/// The all-gather by which the ranks compare their calls: in one step, unless the communicator has one for that.
template <communicator C> mics::recipe comparing_gather(const C& comm) {
  if constexpr (chooses_small_gather<C>) {
    return comm.small_gather();
  } else {
    return {.what = operation::all_gather, .how = algorithm::direct};
  }
}

/// Checks, plans and binds the calls that run as one.
template <communicator C>
schedule::launch make_launch(const C& comm, std::span<const collective_call> calls, const collective_options& options) {
  const call_site at(comm);
  check_timeout(at, calls.front().what, options);
  const bool compares = comm.size() > 1 && options.checked.value_or(comm.checked());
  schedule::launch order;
  order.what = calls.front().what;
  order.timeout = options.timeout.count() > 0 ? options.timeout : comm.timeout();
  order.parts.reserve(calls.size());
  for (const collective_call& call : calls) {
    const call_plan planned = plan_call(comm, at, call, options);
    if (planned.moved != call.type) order.widened.push_back(widening_of(call, order.parts.size(), comm.rank()));
    bind(order.parts.emplace_back(), call, planned, comm.shape());
    if (!compares) continue;
    if (!order.compared) {
      const auto& gather = comm.programs().find(comparing_gather(comm), comm.shape());
      order.compared = {sign(call, planned, comm.shape(), calls.size()), &gather};
    }
    add_to(order.compared->own, call, planned);
  }
  if (calls.size() > 1) check_apart(calls, at);
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
  static_assert(native_communicator<C> || message_communicator<C>,
                "mics: a communicator runs planned calls (native_communicator) or messages (message_communicator)");
  if (calls.empty()) return;
  if constexpr (native_communicator<C>) {
    if constexpr (repeating_communicator<C>) {
      if (calls.size() == 1 && comm.repeat(calls.front(), stream, options)) return;
    }
    const native_options chosen{options.timeout.count() > 0 ? options.timeout : comm.timeout(),
                                options.checked.value_or(comm.checked())};
    with_planned(comm, calls, options,
                 [&](std::span<const planned_call> planned) { comm.enqueue(planned, stream, chosen); });
  } else {
    comm.enqueue(make_launch(comm, calls, options), stream);
  }
}

template <communicator C, class... Where>
void launch_one(const C& comm, const collective_call& call, const Where&... where) {
  launch(comm, std::span(&call, 1), where...);
}

}  // namespace mics::detail
