#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <mics/shape.hpp>
#include <mics/transport/libfabric/host.hpp>

namespace mics::libfabric {

/// Who belongs to a group, and who of them is near: reached through shared memory.
struct group {
  std::shared_ptr<host> at{};
  std::uint64_t id = 0;
  int rank = 0;
  std::vector<int> members{};  ///< their ranks in the world
  std::vector<int> near{};     ///< members (by their rank in the group) near this one, and itself, ascending

  group(std::shared_ptr<host> here, std::uint64_t number, int own, std::vector<int> ranks)
      : at(std::move(here)), id(number), rank(own), members(std::move(ranks)) {
    for (int m = 0; m < size(); ++m) {
      if (m == rank || at->near(world_rank(m))) near.push_back(m);
    }
  }

  [[nodiscard]] int size() const noexcept { return static_cast<int>(members.size()); }
  [[nodiscard]] int world_rank(int member) const noexcept { return members[static_cast<std::size_t>(member)]; }
  [[nodiscard]] int node_of(int member) const { return at->node_of[static_cast<std::size_t>(world_rank(member))]; }
  [[nodiscard]] bool all_near() const noexcept { return near.size() == members.size(); }
  [[nodiscard]] bool is_near(int member) const noexcept { return std::binary_search(near.begin(), near.end(), member); }
  /// Where a near member's channels lie in the outbox of its neighbours.
  [[nodiscard]] std::size_t place_of(int member) const noexcept {
    return static_cast<std::size_t>(std::lower_bound(near.begin(), near.end(), member) - near.begin());
  }

  [[nodiscard]] group_shape shape() const {
    return mics::detail::shape_on_nodes(rank, size(), [this](int member) { return node_of(member); });
  }
};

}  // namespace mics::libfabric
