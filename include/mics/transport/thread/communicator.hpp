#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mics/communicator.hpp>
#include <mics/detail/agreement.hpp>
#include <mics/detail/owning.hpp>
#include <mics/detail/split_choice.hpp>
#include <mics/error.hpp>
#include <mics/transport/host/handle.hpp>
#include <mics/transport/thread/member.hpp>
#include <mics/transport/thread/stream.hpp>

namespace mics::thread {

class communicator;

/// A communicator without ownership: copyable, and of no use once its owner is gone (then every use throws
/// usage_error). Collectives accept it and `communicator` alike.
class communicator_ref : public mics::host::handle<member> {
 public:
  using owner_type = communicator;
  using ref_type = communicator_ref;
  static constexpr transport_traits traits{.direct_reads = true};

  communicator_ref() = default;

  [[nodiscard]] std::chrono::milliseconds timeout() const { return alive().cluster().timeout(); }
  [[nodiscard]] bool checked() const { return alive().cluster().checked(); }

  /// How many of the ranks lie on each node, in order.
  [[nodiscard]] std::vector<int> ranks_per_node() const {
    const group_state& group = *alive().group();
    return detail::runs_of_nodes(group.size(),
                                 [&group](int member) { return group.cluster()->node_of(group.world_rank(member)); });
  }

  /// Makes a communicator of the ranks with the same colour, ordered by key and then by rank. Collective, blocking.
  /// Throws usage_error on every rank when the ranks bring different geometries.
  [[nodiscard]] communicator split(int colour, int key, std::string name = {},
                                   const topology_digest& geometry = {}) const;

 protected:
  explicit communicator_ref(std::shared_ptr<member> state) : handle(std::move(state)) {}
};

/// Owns a rank's membership in a group: move-only; when it goes, its refs throw.
class communicator : public mics::detail::owning<communicator_ref> {
 public:
  using mics::detail::owning<communicator_ref>::owning;
};

inline communicator communicator_ref::split(int colour, int key, std::string name,
                                            const topology_digest& geometry) const {
  member& m = alive();
  const schedule::program& steps = m.programs().find({operation::all_gather, algorithm::direct}, m.shape());
  const detail::split_choice own{colour, key, geometry};
  const std::vector<detail::split_choice> all =
      detail::gather_values(steps, m.shape(), own, [&](std::span<const schedule::part> parts) {
        schedule::launch gather;
        gather.parts.assign(parts.begin(), parts.end());
        gather.timeout = timeout();
        gather.internal = true;
        run(std::move(gather));
      });
  detail::require_one_geometry(all, [&m](int r) { return m.group()->world_rank(r); },
                               {m.world_rank(), m.name(), "split", 0, {}, {}});
  std::vector<int> members;
  int rank = 0;
  for (const int r : detail::ranks_of_colour(all, colour)) {
    if (r == m.shape().rank) rank = static_cast<int>(members.size());
    members.push_back(m.group()->world_rank(r));
  }
  const std::size_t size = members.size();
  auto group = m.cluster().join(m.group()->id(), m.next_split(), colour, size, [&](std::uint64_t id) {
    return std::make_shared<group_state>(m.group()->cluster(), id, std::move(members));
  });
  if (name.empty()) name = m.name() + "/" + std::to_string(colour);
  return communicator(std::make_shared<member>(std::move(group), rank, std::move(name)));
}

}  // namespace mics::thread
