#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mics/error.hpp>
#include <mics/schedule/part.hpp>
#include <mics/schedule/program.hpp>
#include <mics/transport/host/meeting.hpp>
#include <mics/transport/thread/group_state.hpp>
#include <mics/types.hpp>

namespace mics::thread {

/// One rank's end of the channels of its group: satisfies schedule::port. Used by one thread at a time.
class port {
 public:
  port(std::shared_ptr<group_state> group, int rank)
      : group_(std::move(group)), rank_(rank), ends_(static_cast<std::size_t>(group_->size()) * schedule::lanes) {
    if (auto boards = group_->boards(); !boards.empty()) meeting_.emplace(std::move(boards), rank);
  }

  /// How the group does what its ranks can do at once by looking; null where it spans nodes.
  [[nodiscard]] mics::host::meeting* meets() noexcept { return meeting_ ? &*meeting_ : nullptr; }

  /// The operation that the messages to come are counted for; none: the library's own.
  void begin(std::optional<operation> what) noexcept { what_ = what; }

  bool try_send(int peer, schedule::lane l, std::span<const std::byte> bytes) {
    end& e = at(peer, l);
    if (e.out == nullptr) e.out = group_->make(rank_, peer, l);
    if (!e.out->offer(e.sent, bytes)) return false;
    ++e.sent;
    if (!channel::fits(bytes.size())) lent_.push_back({e.out, e.sent});
    return true;
  }

  /// Throws usage_error when the peer sent another number of bytes: counts or types differ between the ranks.
  const std::byte* arrival(int peer, schedule::lane l, std::size_t bytes) {
    end& e = at(peer, l);
    if (e.in == nullptr) e.in = group_->find(peer, rank_, l);
    if (e.in == nullptr) return nullptr;
    const channel::message* m = e.in->peek(e.taken);
    if (m == nullptr) return nullptr;
    if (m->bytes != bytes) refuse(peer, bytes, m->bytes);
    return m->data;
  }

  void release(int peer, schedule::lane l) {
    end& e = at(peer, l);
    group_->cluster()->count(world_rank(peer), world_rank(rank_), what_, e.in->peek(e.taken)->bytes);
    e.in->read_up_to(++e.taken);
  }

  bool sends_read() noexcept {
    while (!lent_.empty() && lent_.front().first->was_read_up_to(lent_.front().second)) lent_.pop_front();
    return lent_.empty();
  }

  /// Counts what a meeting has brought.
  void count(const mics::host::meeting& meeting, const schedule::part& p) noexcept {
    for (int peer = 0; peer < group_->size(); ++peer) {
      if (peer == rank_) continue;
      const std::size_t bytes = meeting.taken(p, peer).length * size_of(p.type);
      group_->cluster()->count(world_rank(peer), world_rank(rank_), what_, bytes);
    }
  }

  /// A peer means another number of bytes than this rank.
  [[noreturn]] void refuse(int peer, std::size_t expected, std::size_t sent) const {
    throw usage_error("rank " + std::to_string(world_rank(peer)) + " sent " + std::to_string(sent) +
                          " bytes where this rank expects " + std::to_string(expected) +
                          ": their counts, types or operations differ",
                      {.rank = world_rank(rank_), .operation = what_ ? std::string(name_of(*what_)) : std::string()});
  }

  [[nodiscard]] int world_rank(int peer) const noexcept { return group_->world_rank(peer); }
  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] group_state& group() const noexcept { return *group_; }
  [[nodiscard]] cluster_state& cluster() const noexcept { return *group_->cluster(); }

 private:
  /// How far the two channels to a peer have been used.
  struct end {
    channel* out = nullptr;
    channel* in = nullptr;
    std::uint64_t sent = 0;
    std::uint64_t taken = 0;
  };

  end& at(int peer, schedule::lane l) noexcept {
    return ends_[static_cast<std::size_t>(peer) * schedule::lanes + index_of(l)];
  }

  std::shared_ptr<group_state> group_;
  int rank_;
  std::optional<operation> what_{};
  std::optional<mics::host::meeting> meeting_{};
  std::vector<end> ends_;                                  ///< by peer and lane
  std::deque<std::pair<channel*, std::uint64_t>> lent_{};  ///< messages that peers may still be reading
};

}  // namespace mics::thread
