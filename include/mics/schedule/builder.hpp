#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <mics/schedule/program.hpp>

namespace mics::schedule {

/// Writes a program. Algorithms say what is sent and folded, in order; the builder finds the dependencies: whoever
/// reads a block waits for the fold that wrote it. This is where the overlap of stages comes from.
/// Rounds must not fall within one lane, and both ends of a message name the same round.
class builder {
 public:
  explicit builder(int rank) : rank_(rank) {}

  [[nodiscard]] int rank() const noexcept { return rank_; }

  /// Offers the bytes at `from` to every rank of `to`.
  void send(place from, std::span<const int> to, lane on, std::uint32_t round) {
    if (to.empty()) return;
    step s = make(from, to, round);
    s.after = written_before(from);
    mark_forwarded(from);
    append(program_.sends[index_of(on)], s);
  }
  void send(place from, int to, lane on, std::uint32_t round) { send(from, std::span(&to, 1), on, round); }

  /// Takes one message from `from` into `into`.
  void receive(place into, int from, lane on, std::uint32_t round) { fold(into, {}, std::span(&from, 1), on, round); }

  /// into = own (+) the messages of `from`, in rank order; `from` must be ascending.
  void fold(place into, place own, std::span<const int> from, lane on, std::uint32_t round, bool last = false) {
    step s = make(into, from, round);
    s.own = own;
    s.last = last;
    s.own_position = static_cast<std::uint32_t>(std::lower_bound(from.begin(), from.end(), rank_) - from.begin());
    if (own.exists()) s.after = written_before(own);
    append_fold(s, on);
  }

  void copy(place from, place into, lane on, std::uint32_t round) { fold(into, from, {}, on, round); }

  /// A copy into memory that peers may still be reading. It runs when they have read everything, at the very end: a
  /// wait in the midst of the folds would hold up those that peers wait for.
  void copy_when_read(place from, place into) {
    step s = make(into, {}, 0);
    s.own = from;
    program_.closing.push_back(s);
  }

  /// Reserves temporary memory for `blocks` blocks and returns its first slot.
  int reserve(int blocks) { return std::exchange(program_.scratch_slots, program_.scratch_slots + blocks); }

  [[nodiscard]] program take() && {
    for (auto* kind : {&program_.sends, &program_.folds}) {
      for (sequence& s : *kind) s.round_begin.push_back(static_cast<std::uint32_t>(s.steps.size()));
    }
    return std::move(program_);
  }

 private:
  using block_key = std::pair<buffer, int>;

  step make(place at, std::span<const int> peers, std::uint32_t round) {
    step s;
    s.at = at;
    s.round = round;
    s.first_peer = static_cast<std::uint32_t>(program_.peers.size());
    s.peer_count = static_cast<std::uint32_t>(peers.size());
    program_.peers.insert(program_.peers.end(), peers.begin(), peers.end());
    if (at.count > 1) program_.block_ranges = true;
    return s;
  }

  static void append(sequence& to, const step& s) {
    while (to.round_begin.size() <= s.round) to.round_begin.push_back(static_cast<std::uint32_t>(to.steps.size()));
    to.steps.push_back(s);
  }

  void append_fold(const step& s, lane on) {
    sequence& folds = program_.folds[index_of(on)];
    append(folds, s);
    for_each_block(
        s.at, [&](block_key key) { writers_[key][index_of(on)] = static_cast<std::uint32_t>(folds.steps.size()); });
  }

  std::array<std::uint32_t, lanes> written_before(place at) const {
    std::array<std::uint32_t, lanes> after{};
    for_each_block(at, [&](block_key key) {
      if (const auto found = writers_.find(key); found != writers_.end()) {
        for (std::size_t l = 0; l < lanes; ++l) after[l] = std::max(after[l], found->second[l]);
      }
    });
    return after;
  }

  void mark_forwarded(place at) {
    for_each_block(at, [&](block_key key) {
      const auto found = writers_.find(key);
      if (found == writers_.end()) return;
      for (std::size_t l = 0; l < lanes; ++l) {
        if (found->second[l] > 0) program_.folds[l].steps[found->second[l] - 1].forwarded = true;
      }
    });
  }

  template <class F> static void for_each_block(place at, F f) {
    const int base = at.in == buffer::scratch ? at.slot + at.first - at.origin : at.first;
    for (int i = 0; i < at.count; ++i) f(block_key{at.in, base + i});
  }

  int rank_;
  program program_{};
  std::map<block_key, std::array<std::uint32_t, lanes>> writers_{};
};

}  // namespace mics::schedule
