#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include <mics/schedule/program.hpp>

namespace mics::schedule {

/// What the execution of a program needs from a transport: one rank's end of the message queues of its group.
/// Queues are first-in first-out per peer and lane, and bounded. No call blocks.
/// - try_send: offers bytes to a peer; they stay untouched until `sends_read`. False: the queue is full.
/// - arrival: the oldest message of a peer, readable until released; null while there is none.
/// - release: done with that message.
/// - sends_read: have all messages offered so far been read (or copied out of the caller's memory)?
/// - world_rank: the number by which people know a peer.
template <class P>
concept port = requires(P& p, int peer, lane l, std::span<const std::byte> bytes) {
  { p.try_send(peer, l, bytes) } -> std::same_as<bool>;
  { p.arrival(peer, l, bytes.size()) } -> std::same_as<const std::byte*>;
  p.release(peer, l);
  { p.sends_read() } -> std::same_as<bool>;
  { p.world_rank(peer) } -> std::same_as<int>;
};

/// Direct placement: the transport is told ahead of time where the next message of a peer belongs, and `arrival` then
/// returns that very address, so nothing is copied. `expect` is called in the order of the messages; an empty
/// destination means that the message will be folded from the transport's own memory. False: not yet.
template <class P>
concept placing_port = port<P> && requires(P& p, int peer, lane l, std::span<std::byte> into, std::size_t bytes) {
  { p.expect(peer, l, into, bytes) } -> std::same_as<bool>;
};

}  // namespace mics::schedule
