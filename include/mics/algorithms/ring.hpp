#pragma once

#include <array>
#include <cstdint>

#include <mics/algorithms/team.hpp>

namespace mics::algorithms {

/// All-gather in size - 1 steps: in each, a member passes the block that it got last to its right neighbour.
inline void ring_all_gather(builder& b, const team& t, place own) {
  const int right = t.rank(t.around(1));
  const int left = t.rank(t.around(-1));
  place passing = own;
  for (int step = 0; step + 1 < t.size(); ++step) {
    const std::uint32_t round = t.first_round + static_cast<std::uint32_t>(step);
    const place arriving = schedule::output(t.block(t.around(-step - 1)));
    b.send(passing, right, t.on, round);
    b.receive(arriving, left, t.on, round);
    passing = arriving;
  }
}

/// Reduce-scatter in size - 1 steps: the partial sum of a block travels around the ring and ends at its owner.
/// Partial sums lie where `partial` says.
template <class Partial>
void ring_reduce_scatter(builder& b, const team& t, block_source from, place into, Partial partial, bool last) {
  const int right = t.rank(t.around(1));
  const std::array left{t.rank(t.around(-1))};
  place passing = from.of(t, t.around(-1));
  for (int step = 0; step + 1 < t.size(); ++step) {
    const std::uint32_t round = t.first_round + static_cast<std::uint32_t>(step);
    const int member = t.around(-step - 2);
    const bool mine = step + 2 == t.size();
    const place sum = mine ? into : partial(member);
    b.send(passing, right, t.on, round);
    b.fold(sum, from.of(t, member), left, t.on, round, mine && last);
    passing = sum;
  }
  if (t.size() == 1) b.fold(into, from.of(t, 0), {}, t.on, t.first_round, last);
}

}  // namespace mics::algorithms
