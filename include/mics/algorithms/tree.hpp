#pragma once

#include <bit>

#include <mics/algorithms/team.hpp>

namespace mics::algorithms {

/// Broadcast of block 0 of the output from member `root` along a binomial tree: log2(size) steps.
inline void tree_broadcast(builder& b, const team& t, int root) {
  const int me = t.around(-root);  // counted from the root
  const auto rank = [&](int member) { return t.rank((member + root) % t.size()); };
  std::uint32_t round = t.first_round;
  for (int distance = static_cast<int>(std::bit_ceil(static_cast<unsigned>(t.size()))) / 2; distance > 0;
       distance /= 2, ++round) {
    if (me % (2 * distance) == 0 && me + distance < t.size()) {
      b.send(schedule::output(0), rank(me + distance), t.on, round);
    } else if (me % (2 * distance) == distance) {
      b.receive(schedule::output(0), rank(me - distance), t.on, round);
    }
  }
}

/// Steps of `tree_broadcast` among `size` members.
inline std::uint32_t tree_rounds(int size) {
  return static_cast<std::uint32_t>(std::bit_width(static_cast<unsigned>(size - 1)));
}

}  // namespace mics::algorithms
