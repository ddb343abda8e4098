#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <mics/collectives/planned_call.hpp>
#include <mics/communicator.hpp>
#include <mics/schedule/launch.hpp>

namespace mics::detail {

/// From this size on the results of a node's ranks do not fit its cache, so they are written past it.
inline constexpr std::size_t streaming_bytes = std::size_t{32} << 20;

/// Binds a planned call to its memory.
inline schedule::part bind(const planned_call& planned, const group_shape& shape) {
  const auto& [call, moved, how] = planned;
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

/// The conversions around a part that travels in a wider type than its caller's.
inline schedule::widening widening_of(const planned_call& planned, std::size_t part, int rank) {
  const collective_call& call = planned.call;
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

/// All that must be the same on every rank: the first call in words, and a fingerprint of everything.
inline schedule::signature sign(std::span<const planned_call> calls, const group_shape& shape) noexcept {
  const auto& [first, moved, how] = calls.front();
  schedule::signature s;
  s.what = first.what;
  s.type = first.type;
  s.moved = moved;
  s.reduce = first.reduce;
  s.root = first.root;
  s.how = how.how();
  s.chunks = how.chunks();
  s.nodes = shape.nodes;
  s.calls = static_cast<std::uint32_t>(calls.size());
  s.elements = first.blocks.total();
  const int shown = std::min(first.blocks.blocks(), static_cast<int>(s.first_blocks.size()));
  for (int b = 0; b < shown; ++b) s.first_blocks[static_cast<std::size_t>(b)] = first.blocks.length(b);
  s.shown_blocks = static_cast<std::uint8_t>(shown);
  for (const planned_call& c : calls) {
    for (const auto number :
         {static_cast<std::uint64_t>(c.call.what), static_cast<std::uint64_t>(c.call.type),
          static_cast<std::uint64_t>(c.moved), static_cast<std::uint64_t>(c.call.reduce),
          static_cast<std::uint64_t>(c.call.root), static_cast<std::uint64_t>(c.how.how()),
          static_cast<std::uint64_t>(c.how.on_rail()), static_cast<std::uint64_t>(c.how.chunks())}) {
      mix(s.fingerprint, number);
    }
    for (int block = 0; block < c.call.blocks.blocks(); ++block) mix(s.fingerprint, c.call.blocks.length(block));
  }
  return s;
}

/// Checks, plans and binds the calls that run as one.
template <communicator C>
schedule::launch make_launch(const C& comm, std::span<const collective_call> calls, const collective_options& options) {
  const std::vector<planned_call> planned = plan_calls(comm, calls, options);
  schedule::launch order;
  order.timeout = options.timeout.count() > 0 ? options.timeout : comm.timeout();
  order.parts.reserve(planned.size());
  for (const planned_call& p : planned) {
    order.parts.push_back(bind(p, comm.shape()));
    if (p.widened()) order.widened.push_back(widening_of(p, order.parts.size() - 1, comm.rank()));
  }
  order.what.what = calls.front().what;
  if (comm.size() > 1 && options.checked.value_or(comm.checked())) {
    order.what = sign(planned, comm.shape());
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
  static_assert(native_communicator<C> || message_communicator<C>,
                "mics: a communicator runs planned calls (native_communicator) or messages (message_communicator)");
  if (calls.empty()) return;
  if constexpr (native_communicator<C>) {
    const native_options chosen{options.timeout.count() > 0 ? options.timeout : comm.timeout(),
                                options.checked.value_or(comm.checked())};
    comm.enqueue(plan_calls(comm, calls, options), stream, chosen);
  } else {
    comm.enqueue(make_launch(comm, calls, options), stream);
  }
}

template <communicator C, class... Where>
void launch_one(const C& comm, const collective_call& call, const Where&... where) {
  launch(comm, std::span(&call, 1), where...);
}

}  // namespace mics::detail
