#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nccl.h>

#include <mics/detail/split_choice.hpp>
#include <mics/error.hpp>
#include <mics/transport/nccl/group/host_exchange.hpp>
#include <mics/transport/nccl/group/host_watch.hpp>
#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/native/grouped.hpp>
#include <mics/transport/nccl/native/result.hpp>
#include <mics/transport/nccl/settings.hpp>

namespace mics::nccl {

/// One rank's part in a split: it joins the ranks with the same colour, ordered by key and then by rank.
struct split_order {
  std::shared_ptr<member> parent;
  int colour = 0;
  int key = 0;
  std::string name{};  ///< empty: made of the parent's and the colour
  topology_digest geometry{};

  void check() const {
    if (colour >= 0) return;
    throw usage_error("colour " + std::to_string(colour) + "; allowed: 0 and more", parent->where("split"));
  }
};

namespace detail {

struct split_choice : mics::detail::split_choice {
  int node = 0;
};

/// The nodes of the ranks of one colour, in their new order.
inline std::vector<int> nodes_of_colour(const std::vector<split_choice>& all, int colour) {
  std::vector<int> nodes;
  for (const int r : mics::detail::ranks_of_colour(all, colour)) nodes.push_back(all[static_cast<std::size_t>(r)].node);
  return nodes;
}

inline std::shared_ptr<member> member_of(ncclComm_t made, const split_order& order, std::vector<int> nodes) {
  settings inherited = order.parent->chosen();
  inherited.node_of.clear();
  inherited.name = order.name.empty() ? order.parent->name() + "/" + std::to_string(order.colour) : order.name;
  auto part = std::make_shared<member>(made, member::ownership::owned, std::move(inherited), order.parent.get());
  part->set_nodes(std::move(nodes));
  return part;
}

}  // namespace detail

/// Splits groups, each of another GPU of this thread, as one: NCCL would wait in the first split for ranks whose turn
/// in this thread has not come. Collective, blocking. Throws usage_error when the ranks of one of them bring different
/// geometries, before any is split.
inline std::vector<std::shared_ptr<member>> split(std::span<const split_order> orders) {
  std::vector<member*> parents;
  std::vector<detail::split_choice> own;
  std::vector<std::size_t> before;
  for (const split_order& order : orders) {
    member& m = *order.parent;
    parents.push_back(&m);
    own.push_back({{order.colour, order.key, order.geometry}, m.node_of()[static_cast<std::size_t>(m.shape().rank)]});
  }
  const auto all =
      gather_on_host(std::span<member* const>(parents), std::span<const detail::split_choice>(own), "split");
  for (std::size_t i = 0; i < orders.size(); ++i) {
    mics::detail::require_one_geometry(
        all[i], [](int rank) { return rank; }, parents[i]->where("split"));
  }
  for (const member* const m : parents) before.push_back(free_bytes(m->device()));
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.splitShare = 0;  // stages have resources of their own
  std::vector<ncclComm_t> made(orders.size());
  const auto where = [&] { return parents.front()->where("split"); };
  within_deadline(parents, parents.front()->chosen().timeout, where(), [&] {
    grouped(parents.front()->whole(), where, [&] {
      for (std::size_t i = 0; i < orders.size(); ++i) {
        const member& m = *parents[i];
        const device_scope current(m.device());
        check(ncclCommSplit(m.whole(), orders[i].colour, orders[i].key, &made[i], &config), "ncclCommSplit", m.whole(),
              [&m] { return m.where("split"); });
      }
    });
  });
  std::vector<std::shared_ptr<member>> parts;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    parts.push_back(detail::member_of(made[i], orders[i], detail::nodes_of_colour(all[i], orders[i].colour)));
    parts.back()->count_native(before[i], free_bytes(parents[i]->device()));
  }
  return parts;
}

}  // namespace mics::nccl
