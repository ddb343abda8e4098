#pragma once

#include <array>
#include <bit>

#include <mics/algorithms/team.hpp>

namespace mics::algorithms {

/// All-reduce in one step: everyone sends everything to everyone, and all fold in rank order, so results agree to the
/// bit. The layout has one block. The result moves to the output once peers have read the input, which may be the same
/// memory.
inline void exchange_all_reduce(builder& b, const team& t) {
  const place sum = schedule::scratch(b.reserve(1), 0);
  b.send(schedule::input(0), t.other_ranks(), t.on, t.first_round);
  b.fold(sum, schedule::input(0), t.other_ranks(), t.on, t.first_round, true);
  b.copy_when_read(sum, schedule::output(0));
}

/// All-reduce in log2(size) steps over one block: partners swap and fold what they have. In a group that is no power
/// of two, the members beyond it hand their block to a stand-in first and get the result back at the end.
inline void doubling_all_reduce(builder& b, const team& t) {
  const int core = static_cast<int>(std::bit_floor(static_cast<unsigned>(t.size())));
  const bool extra = t.me >= core;
  const int stand_in = extra ? t.me - core : t.me + core;
  const bool paired = extra || stand_in < t.size();
  const auto fold_with = [&](place own, int partner, std::uint32_t round, bool last) {
    const place sum = schedule::scratch(b.reserve(1), 0);
    b.fold(sum, own, std::array{t.rank(partner)}, t.on, round, last);
    return sum;
  };

  std::uint32_t round = t.first_round;
  place sum = schedule::input(0);
  if (extra) {
    b.send(sum, t.rank(stand_in), t.on, round);
  } else if (paired) {
    sum = fold_with(sum, stand_in, round, false);
  }
  ++round;
  for (int distance = 1; distance < core && !extra; distance *= 2, ++round) {
    b.send(sum, t.rank(t.me ^ distance), t.on, round);
    sum = fold_with(sum, t.me ^ distance, round, distance * 2 == core);
  }
  round = t.first_round + 1 + static_cast<std::uint32_t>(std::countr_zero(static_cast<unsigned>(core)));
  if (extra) {
    sum = schedule::scratch(b.reserve(1), 0);
    b.receive(sum, t.rank(stand_in), t.on, round);
  } else if (paired) {
    b.send(sum, t.rank(stand_in), t.on, round);
  }
  b.copy_when_read(sum, schedule::output(0));
}

}  // namespace mics::algorithms
