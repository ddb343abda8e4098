#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <mics/schedule/program.hpp>
#include <mics/shape.hpp>
#include <mics/transport/host/board.hpp>
#include <mics/transport/thread/channel.hpp>
#include <mics/transport/thread/cluster_state.hpp>

namespace mics::thread {

/// What the ranks of one group share: their numbers in the world, the channels between them, made at first use, and in
/// a group of one node the boards on which they meet.
class group_state {
 public:
  group_state(std::shared_ptr<cluster_state> cluster, std::uint64_t id, std::vector<int> members)
      : cluster_(std::move(cluster)),
        id_(id),
        members_(std::move(members)),
        channels_(members_.size() * members_.size() * schedule::lanes),
        inside_(members_.size()) {
    const auto node_of = [this](int member) { return cluster_->node_of(world_rank(member)); };
    for (int member = 1; member < size(); ++member) {
      if (node_of(member) != node_of(0)) return;
    }
    boards_ = std::make_unique_for_overwrite<mics::host::board[]>(members_.size());
  }
  group_state(const group_state&) = delete;
  group_state& operator=(const group_state&) = delete;
  ~group_state() {
    for (auto& c : channels_) delete c.load(std::memory_order_relaxed);
  }

  [[nodiscard]] const std::shared_ptr<cluster_state>& cluster() const noexcept { return cluster_; }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] int size() const noexcept { return static_cast<int>(members_.size()); }
  [[nodiscard]] int world_rank(int member) const noexcept { return members_[static_cast<std::size_t>(member)]; }

  /// A member begins to use its peers' memory. The order of this store and the look at failed() that follows, and of
  /// their mirror in fail() and await_empty(), must be one for all threads.
  void enter(int member) noexcept { inside(member).store(true); }
  void leave(int member) noexcept { inside(member).store(false); }

  /// Operation number `ticket` failed at one member, so no other can finish it, nor any later one. Earlier ones can:
  /// whoever has come to this one is done with them. The earliest failure is kept.
  void fail(std::uint64_t ticket, const std::string& reason) {
    const std::lock_guard lock(mutex_);
    if (ticket >= failed_at_.load()) return;
    reason_ = reason;
    failed_at_.store(ticket);
  }
  [[nodiscard]] bool failed(std::uint64_t ticket) const noexcept { return ticket >= failed_at_.load(); }
  [[nodiscard]] std::string failure() {
    const std::lock_guard lock(mutex_);
    return reason_;
  }

  /// After fail(): returns once no member uses another's memory any more, so that buffers may be freed.
  void await_empty() const noexcept {
    for (const std::atomic<bool>& member : inside_) {
      while (member.load()) std::this_thread::yield();
    }
  }

  /// The boards of all members, in their order; none where the group spans nodes.
  [[nodiscard]] std::vector<mics::host::board*> boards() noexcept {
    std::vector<mics::host::board*> all;
    for (std::size_t member = 0; boards_ && member < members_.size(); ++member) all.push_back(&boards_[member]);
    return all;
  }

  /// The channel from one member to another; null while its writer has not made it.
  [[nodiscard]] channel* find(int from, int to, schedule::lane l) const noexcept {
    return channels_[index(from, to, l)].load(std::memory_order_acquire);
  }

  /// Writer: its channel to another member.
  [[nodiscard]] channel* make(int from, int to, schedule::lane l) {
    std::atomic<channel*>& place = channels_[index(from, to, l)];
    if (channel* known = place.load(std::memory_order_relaxed)) return known;
    auto made = std::make_unique<channel>();
    place.store(made.get(), std::memory_order_release);
    return made.release();
  }

 private:
  [[nodiscard]] std::size_t index(int from, int to, schedule::lane l) const noexcept {
    const auto n = members_.size();
    return (static_cast<std::size_t>(from) * n + static_cast<std::size_t>(to)) * schedule::lanes + index_of(l);
  }

  [[nodiscard]] std::atomic<bool>& inside(int member) noexcept { return inside_[static_cast<std::size_t>(member)]; }

  std::shared_ptr<cluster_state> cluster_;
  std::uint64_t id_;
  std::vector<int> members_;
  std::vector<std::atomic<channel*>> channels_;
  std::vector<std::atomic<bool>> inside_;
  std::unique_ptr<mics::host::board[]> boards_{};
  std::mutex mutex_{};
  std::atomic<std::uint64_t> failed_at_{std::numeric_limits<std::uint64_t>::max()};  ///< the ticket that failed
  std::string reason_{};
};

/// How the members of a group lie on the pretended nodes.
inline group_shape shape_of(const group_state& group, int rank) {
  const auto node_of = [&group](int member) { return group.cluster()->node_of(group.world_rank(member)); };
  return mics::detail::shape_on_nodes(rank, group.size(), node_of);
}

}  // namespace mics::thread
