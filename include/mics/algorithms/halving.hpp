#pragma once

#include <array>
#include <bit>

#include <mics/algorithms/team.hpp>

namespace mics::algorithms {

/// Can recursive halving serve a group of this size?
constexpr bool halving_fits(int size) noexcept { return std::has_single_bit(static_cast<unsigned>(size)); }

/// Reduce-scatter in log2(size) steps: partners split the run of blocks that they still share, and each folds the
/// half that holds its own block. Power-of-two groups with contiguous blocks.
inline void halving_reduce_scatter(builder& b, const team& t, place into, bool last) {
  place run = schedule::input(t.block(0), t.size());
  const auto part_of = [](place whole, int offset, int count) {
    whole.first += offset;
    whole.count = count;
    return whole;
  };
  std::uint32_t round = t.first_round;
  for (int half = t.size() / 2; half > 0; half /= 2, ++round) {
    const std::array partner{t.rank(t.me ^ half)};
    const bool upper = (t.me & half) != 0;
    const place kept = part_of(run, upper ? half : 0, half);
    const place given = part_of(run, upper ? 0 : half, half);
    const place sum = half == 1 ? into : schedule::scratch(b.reserve(half), kept.first, half);
    b.send(given, partner.front(), t.on, round);
    b.fold(sum, kept, partner, t.on, round, half == 1 && last);
    run = sum;
  }
  if (t.size() == 1) b.fold(into, run, {}, t.on, t.first_round, last);
}

}  // namespace mics::algorithms
