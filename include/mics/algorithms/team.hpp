#pragma once

#include <cstdint>
#include <vector>

#include <mics/schedule/builder.hpp>
#include <mics/schedule/program.hpp>
#include <mics/topology/rank_range.hpp>

namespace mics::algorithms {

using schedule::builder;
using schedule::place;

/// The ranks that run one flat algorithm, as one of them sees it: a whole group, a node group or a rail group.
/// Member i owns block `blocks[i]`. The first message leaves in round `first_round`.
struct team {
  int me = 0;          ///< index in `ranks`
  rank_range ranks{};  ///< in the communicator
  rank_range blocks{};
  schedule::lane on = schedule::lane::rail;
  std::uint32_t first_round = 0;

  [[nodiscard]] int size() const noexcept { return ranks.size; }
  [[nodiscard]] int block(int member) const noexcept { return blocks[member]; }
  [[nodiscard]] int rank(int member) const noexcept { return ranks[member]; }
  [[nodiscard]] int around(int distance) const noexcept { return ((me + distance) % size() + size()) % size(); }

  [[nodiscard]] std::vector<int> other_ranks() const {
    std::vector<int> others;
    for (int i = 0; i < size(); ++i) {
      if (i != me) others.push_back(rank(i));
    }
    return others;
  }
};

/// The whole group of `size` ranks.
inline team everyone(int me, int size) { return {me, {0, size, 1}, {0, size, 1}, schedule::lane::rail, 0}; }

/// Where the blocks of a team lie: in the user's input or output, or in scratch, one slot a member.
struct block_source {
  schedule::buffer in = schedule::buffer::input;
  int first_slot = 0;

  [[nodiscard]] place of(const team& t, int member) const noexcept {
    return {in, t.block(member), 1, in == schedule::buffer::scratch ? first_slot + member : 0, t.block(member)};
  }
};

}  // namespace mics::algorithms
