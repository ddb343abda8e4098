#pragma once

#include <algorithm>

#include <mics/algorithms/team.hpp>

namespace mics::algorithms {

/// All-gather in ceil(log2(size)) steps, any size: a member holds a run of blocks that begins with its own and doubles
/// it each time. Runs wrap around the end, so a message has at most two pieces and nothing is rotated afterwards.
/// Needs contiguous blocks; the own block must lie in the output already.
inline void bruck_all_gather(builder& b, const team& t) {
  const auto each_piece = [&](int first, int count, auto f) {
    const int before_end = std::min(count, t.size() - first);
    f(schedule::output(t.block(first), before_end));
    if (before_end < count) f(schedule::output(t.block(0), count - before_end));
  };
  std::uint32_t round = t.first_round;
  for (int held = 1; held < t.size(); held *= 2, ++round) {
    const int count = std::min(held, t.size() - held);
    const int to = t.rank(t.around(-held));
    const int source = t.around(held);
    each_piece(t.me, count, [&](place run) { b.send(run, to, t.on, round); });
    each_piece(source, count, [&](place run) { b.receive(run, t.rank(source), t.on, round); });
  }
}

}  // namespace mics::algorithms
