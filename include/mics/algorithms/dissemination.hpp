#pragma once

#include <mics/algorithms/team.hpp>

namespace mics::algorithms {

/// Barrier in ceil(log2(size)) steps: in step s everyone tells the member 2^s further on that it, and all those it has
/// heard of, have arrived. The block is a single token.
inline void dissemination_barrier(builder& b, const team& t) {
  place heard = schedule::input(0);
  std::uint32_t round = t.first_round;
  for (int distance = 1; distance < t.size(); distance *= 2, ++round) {
    b.send(heard, t.rank(t.around(distance)), t.on, round);
    heard = schedule::scratch(b.reserve(1), 0);
    b.receive(heard, t.rank(t.around(-distance)), t.on, round);
  }
}

}  // namespace mics::algorithms
