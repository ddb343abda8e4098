#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/transport/thread/member.hpp>
#include <mics/transport/thread/stream.hpp>

namespace mics::thread {

class communicator;

/// A communicator without ownership: copyable, and of no use once its owner is gone (then every use throws
/// usage_error). Collectives accept it and `communicator` alike.
class communicator_ref {
 public:
  using owner_type = communicator;
  using ref_type = communicator_ref;
  using stream_type = stream_ref;
  using event_type = event;
  static constexpr transport_traits traits{.direct_reads = true};

  communicator_ref() = default;
  // Copies only: a ref that could be moved from an owner would take the ownership along.
  communicator_ref(const communicator_ref&) = default;
  communicator_ref& operator=(const communicator_ref&) = default;

  [[nodiscard]] int rank() const { return alive().shape().rank; }
  [[nodiscard]] int size() const { return alive().shape().size; }
  [[nodiscard]] int world_rank() const { return alive().world_rank(); }
  [[nodiscard]] const std::string& name() const { return alive().name(); }
  [[nodiscard]] const group_shape& shape() const { return alive().shape(); }
  [[nodiscard]] program_cache& programs() const { return alive().programs(); }
  [[nodiscard]] std::chrono::milliseconds timeout() const { return alive().cluster().timeout(); }
  [[nodiscard]] bool checked() const { return alive().cluster().checked(); }

  /// How many of the ranks lie on each node, in order.
  [[nodiscard]] std::vector<int> ranks_per_node() const {
    const group_state& group = *alive().group();
    return detail::runs_of_nodes(group.size(),
                                 [&group](int member) { return group.cluster()->node_of(group.world_rank(member)); });
  }

  /// Declares how the ranks lie on nodes, where the caller knows better; the same on all ranks.
  /// Throws usage_error for another rank or size than the group's, for nodes that do not add up to the size, and after
  /// the first collective.
  void set_shape(group_shape shape) const { alive().set_shape(std::move(shape)); }

  /// Makes a communicator of the ranks with the same colour, ordered by key and then by rank. Collective, blocking.
  [[nodiscard]] communicator split(int colour, int key, std::string name = {}) const;

  /// Marks the end of the work so far in a stream, and lets another stream wait for it.
  [[nodiscard]] static event record(stream_ref stream) { return stream.record(); }
  static void wait(stream_ref stream, event e) { stream.wait(std::move(e)); }

  /// Runs a launch and returns when this rank has its results and its buffers are its own again.
  void run(schedule::launch order) const {
    member& m = alive();
    m.run(order, m.take_ticket());
  }

  /// Runs a launch in the order of a stream. If it fails there, or earlier work of the stream has, the operation fails
  /// for the whole group: the others end with an aborted_error.
  void enqueue(schedule::launch order, stream_ref stream) const {
    const std::uint64_t ticket = alive().take_ticket();
    stream.enqueue([m = state_, order = std::move(order), ticket]() mutable { m->run(order, ticket); },
                   [m = state_, ticket](const std::exception_ptr& before) { m->abandon(ticket, before); });
  }

 protected:
  explicit communicator_ref(std::shared_ptr<member> state) : state_(std::move(state)) {}
  [[nodiscard]] const std::shared_ptr<member>& state() const noexcept { return state_; }
  [[nodiscard]] std::shared_ptr<member> release() noexcept { return std::move(state_); }

 private:
  [[nodiscard]] member& alive() const {
    if (!state_) throw usage_error("this communicator is empty: it was moved from or never made");
    if (state_->closed()) throw usage_error("communicator '" + state_->name() + "' has been destroyed");
    return *state_;
  }

  std::shared_ptr<member> state_{};
};

/// Owns a rank's membership in a group: move-only; when it goes, its refs throw.
class communicator : public communicator_ref {
 public:
  communicator() = default;
  explicit communicator(std::shared_ptr<member> state) : communicator_ref(std::move(state)) {}
  communicator(communicator&& other) noexcept : communicator_ref(other.release()) {}
  communicator& operator=(communicator&& other) noexcept {
    communicator moved(std::move(other));
    std::swap(static_cast<communicator_ref&>(*this), static_cast<communicator_ref&>(moved));
    return *this;
  }
  communicator(const communicator&) = delete;
  communicator& operator=(const communicator&) = delete;
  ~communicator() {
    if (state()) state()->close();
  }
};

inline communicator communicator_ref::split(int colour, int key, std::string name) const {
  struct choice {
    int colour, key;
  };
  member& m = alive();
  const schedule::program& steps = m.programs().find({operation::all_gather, algorithm::direct}, m.shape());
  const choice own{colour, key};
  const std::vector<choice> all =
      detail::gather_values(steps, m.shape(), own, [&](std::span<const schedule::part> parts) {
        schedule::launch gather;
        gather.parts.assign(parts.begin(), parts.end());
        gather.timeout = timeout();
        gather.internal = true;
        run(std::move(gather));
      });
  std::vector<std::pair<int, int>> chosen;  // key, rank
  for (int r = 0; r < m.shape().size; ++r) {
    const choice& c = all[static_cast<std::size_t>(r)];
    if (c.colour == colour) chosen.emplace_back(c.key, r);
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<int> members;
  int rank = 0;
  for (const auto& [its_key, r] : chosen) {
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
