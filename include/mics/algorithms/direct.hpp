#pragma once

#include <mics/algorithms/team.hpp>

namespace mics::algorithms {

/// All-gather in one step: every member sends its block to all others, which place it in the output.
/// `own` is where the member's own block lies.
inline void direct_all_gather(builder& b, const team& t, place own) {
  b.send(own, t.other_ranks(), t.on, t.first_round);
  for (int d = 1; d < t.size(); ++d) {
    const int from = t.around(d);
    b.receive(schedule::output(t.block(from)), t.rank(from), t.on, t.first_round);
  }
}

/// Reduce-scatter in one step: every member sends block i to member i, which folds all of them in rank order, in one
/// pass over its memory.
inline void direct_reduce_scatter(builder& b, const team& t, block_source from, place into, bool last) {
  for (int d = 1; d < t.size(); ++d) {
    const int to = t.around(d);
    b.send(from.of(t, to), t.rank(to), t.on, t.first_round);
  }
  b.fold(into, from.of(t, t.me), t.other_ranks(), t.on, t.first_round, last);
}

}  // namespace mics::algorithms
