#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mics/detail/agreement.hpp>
#include <mics/detail/split_choice.hpp>
#include <mics/transport/libfabric/communicator.hpp>

namespace mics::libfabric {

namespace detail {

struct split_choice : mics::detail::split_choice {
  std::uint64_t group_id = 0;  ///< the group's, if this rank becomes its first
};

/// The group of the ranks of `parent` that chose the colour of its own rank.
inline group chosen_group(const group& parent, const std::vector<split_choice>& all) {
  const split_choice& own = all[static_cast<std::size_t>(parent.rank)];
  const std::vector<int> chosen = mics::detail::ranks_of_colour(all, own.colour);
  std::vector<int> members;
  int rank = 0;
  for (const int r : chosen) {
    if (r == parent.rank) rank = static_cast<int>(members.size());
    members.push_back(parent.world_rank(r));
  }
  const std::uint64_t id = all[static_cast<std::size_t>(chosen.front())].group_id;
  return {parent.at, id, rank, std::move(members)};
}

/// The boxes of the group's members, out of those of all ranks of `parent`.
inline std::vector<region_name> boxes_of(const group& made, const group& parent, const std::vector<region_name>& all) {
  std::vector<region_name> boxes;
  for (const int world_rank : made.members) {
    const auto found = std::find(parent.members.begin(), parent.members.end(), world_rank);
    boxes.push_back(all[static_cast<std::size_t>(found - parent.members.begin())]);
  }
  return boxes;
}

}  // namespace detail

inline communicator communicator_ref::split(int colour, int key, std::string name,
                                            const topology_digest& geometry) const {
  member& m = alive();
  const schedule::program& steps = m.programs().find(small_gather(), m.shape());
  const auto gather = [&](const auto& own) {
    return mics::detail::gather_values(steps, m.shape(), own, [&](std::span<const schedule::part> parts) {
      schedule::launch order;
      order.parts.assign(parts.begin(), parts.end());
      order.timeout = timeout();
      order.internal = true;
      run(std::move(order));
    });
  };
  const auto all = gather(detail::split_choice{{colour, key, geometry}, m.at().new_group_id()});
  mics::detail::require_one_geometry(all, [&m](int r) { return m.ranks().world_rank(r); },
                                     {m.world_rank(), m.name(), "split", 0, {}, {}});
  if (name.empty()) name = m.name() + "/" + std::to_string(colour);
  // What fails on this rank only, e.g. for want of files, must not let the others wait.
  const auto here = [&m](auto work) {
    try {
      return work();
    } catch (...) {
      m.abandon(m.take_ticket(), std::current_exception());
      throw;
    }
  };
  const auto made =
      here([&] { return std::make_shared<member>(detail::chosen_group(m.ranks(), all), std::move(name)); });
  const std::vector<region_name> boxes = gather(made->box());
  here([&] { made->connect(detail::boxes_of(made->ranks(), m.ranks(), boxes)); });
  static_cast<void>(gather(char{}));  // all have mapped all boxes: from here on their owners may go
  return communicator(made);
}

}  // namespace mics::libfabric
