#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/transport/libfabric/member.hpp>
#include <mics/transport/thread/stream.hpp>

namespace mics::libfabric {

using thread::event;
using thread::stream;
using thread::stream_ref;

class communicator;

/// A communicator without ownership: copyable, and of no use once its owner is gone (then every use throws
/// usage_error). Collectives accept it and `communicator` alike.
class communicator_ref {
 public:
  using owner_type = communicator;
  using ref_type = communicator_ref;
  using stream_type = stream_ref;
  using event_type = event;
  /// Of a group that spans nodes. Inside a node ranks read each other's memory: see choose().
  static constexpr transport_traits traits{.direct_reads = false};

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
  [[nodiscard]] std::chrono::milliseconds timeout() const { return alive().at().chosen.timeout; }
  [[nodiscard]] bool checked() const { return alive().at().chosen.checked; }

  /// How a collective of this group runs; the same on every rank.
  [[nodiscard]] plan_choice choose(const plan_request& request) const {
    const member& m = alive();
    plan_choice chosen = mics::choose(request, m.shape(), {.direct_reads = m.ranks().all_near()});
    if (request.chunk_bytes == 0) chosen.chunk_bytes = chunk_of(request.block_bytes);
    return chosen;
  }

  /// How many of the ranks lie on each node, in order.
  [[nodiscard]] std::vector<int> ranks_per_node() const {
    const group& all = alive().ranks();
    return mics::detail::runs_of_nodes(all.size(), [&all](int member) { return all.node_of(member); });
  }

  /// What carries messages between nodes, e.g. "efa"; empty where nothing does.
  [[nodiscard]] std::string provider() const {
    const host& h = alive().at();
    return h.rail ? h.rail->provider_name() : std::string();
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
  friend class shared_memory;

  /// Stages overlap chunk by chunk, so blocks are cut, unless a part would be too small to be worth its announcement.
  static std::size_t chunk_of(std::size_t block_bytes) noexcept {
    constexpr std::size_t chunks = 8, least = std::size_t{32} << 10, most = std::size_t{256} << 10;
    return block_bytes <= 2 * least ? most : std::clamp(block_bytes / chunks, least, most);
  }

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

}  // namespace mics::libfabric

#include <mics/transport/libfabric/split.hpp>
