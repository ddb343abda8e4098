#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <mics/detail/copy.hpp>
#include <mics/detail/fold.hpp>
#include <mics/schedule/cursor.hpp>
#include <mics/schedule/part.hpp>
#include <mics/schedule/port.hpp>

namespace mics::schedule {

/// Runs the programs of one launch on one rank, as far as messages allow, without ever blocking.
/// The four queues (sends and folds of each lane) advance independently; a step waits for the folds it names and for
/// the messages it takes, nothing else.
template <port Port> class execution {
 public:
  using sources = std::vector<const std::byte*>;  ///< room for one fold's sources, kept by the caller between launches

  execution(Port& port, std::span<const part> parts, std::array<sources, lanes>& room)
      : port_(&port), parts_(parts), sources_(&room) {
    for (lane l : {lane::rail, lane::node}) {
      sends_[index_of(l)] = start(&program::sends, l);
      folds_[index_of(l)] = start(&program::folds, l);
      expects_[index_of(l)] = start(&program::folds, l);
      (*sources_)[index_of(l)].clear();
    }
  }

  /// Does whatever can be done now; false if that was nothing.
  bool advance() {
    bool moved = false;
    for (lane l : {lane::rail, lane::node}) {
      if constexpr (placing_port<Port>) moved |= advance_expects(l);
      moved |= advance_sends(l);
      moved |= advance_folds(l);
    }
    return close() || moved;
  }

  [[nodiscard]] bool done() const noexcept { return closed_; }

  /// What this rank is waiting for, in words: for messages about a wait that failed.
  [[nodiscard]] std::string waiting_for() const {
    for (lane l : {lane::rail, lane::node}) {
      const track& t = folds_[index_of(l)];
      if (!finished(t) && ready(t) && t.at.current().peer_count > 0) {
        return name(l) + " stage, chunk " + std::to_string(t.at.chunk()) + ": waiting for the data of rank " +
               std::to_string(port_->world_rank(peers(t)[t.next_peer]));
      }
    }
    for (lane l : {lane::rail, lane::node}) {
      const track& t = sends_[index_of(l)];
      if (!finished(t) && ready(t)) {
        return name(l) + " stage, chunk " + std::to_string(t.at.chunk()) + ": waiting to send to rank " +
               std::to_string(port_->world_rank(peers(t)[t.next_peer]));
      }
    }
    return "waiting for peers to read what was sent";
  }

 private:
  using steps_of_kind = std::array<sequence, lanes> program::*;  ///< the sends or the folds of a program

  /// How far one of the queues has come.
  struct track {
    std::size_t part = 0;
    cursor at{};
    std::size_t next_peer = 0;  ///< of the current step
    steps_of_kind kind = nullptr;
    lane on = lane::rail;
  };

  track start(steps_of_kind kind, lane l) const {
    track t{0, {}, 0, kind, l};
    enter_part(t);
    return t;
  }

  void enter_part(track& t) const {
    // The other way around, nvcc 13 reads a template argument list.
    for (; parts_.size() > t.part; ++t.part) {
      const part& p = parts_[t.part];
      t.at = cursor((p.steps->*t.kind)[index_of(t.on)], p.chunks);
      if (!t.at.done()) return;
    }
  }

  void step_done(track& t) const {
    t.next_peer = 0;
    t.at.next();
    if (t.at.done()) {
      ++t.part;
      enter_part(t);
    }
  }

  [[nodiscard]] bool finished(const track& t) const noexcept { return t.part >= parts_.size(); }
  [[nodiscard]] const part& part_of(const track& t) const noexcept { return parts_[t.part]; }
  [[nodiscard]] std::span<const int> peers(const track& t) const noexcept {
    return part_of(t).steps->peers_of(t.at.current());
  }
  static std::string name(lane l) { return l == lane::rail ? "rail" : "node"; }

  [[nodiscard]] bool steps_done() const noexcept {
    for (const auto* kind : {&sends_, &folds_}) {
      for (const track& t : *kind) {
        if (!finished(t)) return false;
      }
    }
    return true;
  }

  /// Have the folds that the current step of `t` builds on been done?
  [[nodiscard]] bool ready(const track& t) const noexcept {
    const step& s = t.at.current();
    for (std::size_t l = 0; l < lanes; ++l) {
      if (s.after[l] == 0 || folds_[l].part > t.part) continue;
      if (folds_[l].part < t.part || !folds_[l].at.passed(s.after[l] - 1, t.at.chunk())) return false;
    }
    return true;
  }

  /// The end: peers have read all that was sent, so this rank may change its buffers.
  bool close() {
    if (closed_ || !steps_done() || !port_->sends_read()) return false;
    for (const part& p : parts_) {
      for (const step& s : p.steps->closing) {
        const extent all = p.layout.piece(s.at.first, s.at.count, 0, 1);
        detail::copy_bytes(p.target(s.at, all), p.source(s.own, all), all.length * size_of(p.type), p.streaming);
      }
    }
    return closed_ = true;
  }

  bool advance_sends(lane l) {
    track& t = sends_[index_of(l)];
    bool moved = false;
    for (; !finished(t) && ready(t); step_done(t), moved = true) {
      const part& p = part_of(t);
      const place& from = t.at.current().at;
      const extent piece = p.piece(from, t.at.chunk());
      if (piece.length == 0) continue;
      const std::span bytes(p.source(from, piece), piece.length * size_of(p.type));
      for (const auto to = peers(t); t.next_peer < to.size(); ++t.next_peer) {
        if (!port_->try_send(to[t.next_peer], l, bytes)) return moved;
        moved = true;
      }
    }
    return moved;
  }

  bool advance_folds(lane l) {
    track& t = folds_[index_of(l)];
    bool moved = false;
    for (; !finished(t) && ready(t); step_done(t), moved = true) {
      const part& p = part_of(t);
      const step& s = t.at.current();
      const extent piece = p.piece(s.at, t.at.chunk());
      if (piece.length == 0) continue;
      if (!collect(t, piece)) return moved;
      combine(p, s, piece, (*sources_)[index_of(l)]);
      for (const int peer : peers(t)) port_->release(peer, l);
      (*sources_)[index_of(l)].clear();
    }
    return moved;
  }

  /// Gathers the addresses of a fold's sources, in rank order; false while a message is missing.
  bool collect(track& t, const extent& piece) {
    const part& p = part_of(t);
    const step& s = t.at.current();
    sources& from = (*sources_)[index_of(t.on)];
    const auto own = [&](std::size_t position) {
      if (s.own.exists() && s.own_position == position && from.size() == position) {
        from.push_back(p.source(s.own, p.piece(s.own, t.at.chunk())));
      }
    };
    for (const auto list = peers(t); t.next_peer < list.size(); ++t.next_peer) {
      own(t.next_peer);
      const std::byte* data = port_->arrival(list[t.next_peer], t.on, piece.length * size_of(p.type));
      if (data == nullptr) return false;
      from.push_back(data);
    }
    own(t.next_peer);
    return true;
  }

  static void combine(const part& p, const step& s, const extent& piece, const sources& from) {
    std::byte* into = p.target(s.at, piece);
    const double scale = s.last ? p.scale : 1.0;
    if (from.size() > 1 || scale != 1.0) {
      detail::fold(p.type, p.reduce, into, from, piece.length, scale);
    } else if (from.front() != into) {
      detail::copy_bytes(into, from.front(), piece.length * size_of(p.type), p.streaming && !s.forwarded);
    }
  }

  /// Tells the transport where the messages to come belong, as far ahead as it wants to know.
  bool advance_expects(lane l) requires placing_port<Port> {
    track& t = expects_[index_of(l)];
    bool moved = false;
    for (; !finished(t); step_done(t), moved = true) {
      const part& p = part_of(t);
      const step& s = t.at.current();
      const extent piece = p.piece(s.at, t.at.chunk());
      if (piece.length == 0) continue;
      const std::size_t bytes = piece.length * size_of(p.type);
      const bool in_place = s.peer_count == 1 && !s.own.exists();
      const auto into = in_place ? std::span(p.target(s.at, piece), bytes) : std::span<std::byte>();
      for (const auto from = peers(t); t.next_peer < from.size(); ++t.next_peer) {
        if (!port_->expect(from[t.next_peer], l, into, bytes)) return moved;
      }
    }
    return moved;
  }

  Port* port_;
  std::span<const part> parts_;
  std::array<sources, lanes>* sources_;
  std::array<track, lanes> sends_{};
  std::array<track, lanes> folds_{};
  std::array<track, lanes> expects_{};
  bool closed_ = false;
};

}  // namespace mics::schedule
