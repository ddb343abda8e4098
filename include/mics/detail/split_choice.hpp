#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <mics/error.hpp>
#include <mics/topology/digest.hpp>

namespace mics::detail {

/// What a rank brings to a split. Transports add what they need.
struct split_choice {
  int colour = 0;
  int key = 0;
  topology_digest geometry{};
};

/// Who has chosen a colour, in their new order: by key, then by rank.
template <class Choice> std::vector<int> ranks_of_colour(const std::vector<Choice>& all, int colour) {
  std::vector<std::pair<int, int>> chosen;  // key, rank
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (all[r].colour == colour) chosen.emplace_back(all[r].key, static_cast<int>(r));
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<int> ranks;
  for (const auto& [key, rank] : chosen) ranks.push_back(rank);
  return ranks;
}

/// Throws usage_error, the same on every rank, when some rank cuts the world in another way than rank 0 of the group.
/// `world_rank(r)`: the number by which rank r of the group is known.
template <class Choice, class WorldRank>
void require_one_geometry(const std::vector<Choice>& all, WorldRank world_rank, error_context where) {
  for (std::size_t other = 1; other < all.size(); ++other) {
    const topology_digest &wanted = all[0].geometry, &given = all[other].geometry;
    if (given == wanted) continue;
    const bool alike = given.describe() == wanted.describe();
    throw usage_error("the ranks disagree about nodes and partitions: rank " + std::to_string(world_rank(0)) +
                          " says " + wanted.describe() + ", rank " +
                          std::to_string(world_rank(static_cast<int>(other))) + " says " +
                          (alike ? "the same, but other ranks on them" : given.describe()) +
                          "; allowed: the same geometry on every rank",
                      std::move(where));
  }
}

}  // namespace mics::detail
