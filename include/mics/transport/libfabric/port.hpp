#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mics/error.hpp>
#include <mics/schedule/program.hpp>
#include <mics/transport/host/meeting.hpp>
#include <mics/transport/libfabric/group.hpp>
#include <mics/transport/libfabric/node/link.hpp>
#include <mics/transport/libfabric/node/neighbour.hpp>
#include <mics/transport/libfabric/node/outbox.hpp>
#include <mics/transport/libfabric/rail/link.hpp>

namespace mics::libfabric {

/// One rank's end of the queues of its group: satisfies schedule::placing_port. Neighbours are reached through shared
/// memory, without a lock, all others through the endpoint. Used by one thread at a time.
class port {
 public:
  port(const group& of, failure_state& failed)
      : group_(&of),
        known_(of.at->memory),
        box_region_(of.at->self(), outbox::bytes_for(of.near.size())),
        box_(outbox::make(box_region_.data(), of.near.size(), of.at->crowded && !of.all_near())),
        links_(of.members.size() * schedule::lanes) {
    for (const int member : of.near) {
      neighbours_.emplace_back(of.at->processes[static_cast<std::size_t>(of.world_rank(member))]);
    }
    if (of.all_near()) return;
    rails_ = std::make_shared<rail_group>(of.id, of.rank, of.members, failed);
    of.at->rail->join(rails_);
  }
  ~port() {
    if (rails_) group_->at->rail->retire(rails_);
  }
  port(const port&) = delete;
  port& operator=(const port&) = delete;

  /// Where the neighbours find this rank's channels.
  [[nodiscard]] const region_name& box() const noexcept { return box_region_.name(); }

  /// The regions of all members' boxes, in their order.
  void connect(const std::vector<region_name>& boxes) {
    const std::size_t mine = group_->place_of(group_->rank);
    for (const int member : group_->near) {
      if (member == group_->rank) continue;
      const std::size_t place = group_->place_of(member);
      theirs_.emplace_back(group_->at->processes[static_cast<std::size_t>(group_->world_rank(member))],
                           boxes[static_cast<std::size_t>(member)]);
      const outbox other(theirs_.back().data());
      neighbours_[place].sleeps_at(other.bell());
      for (const schedule::lane l : {schedule::lane::rail, schedule::lane::node}) {
        links_[index(member, l)].emplace(box_.channel_to(place, l), other.channel_to(mine, l), neighbours_[place]);
      }
    }
    if (group_->all_near()) meet();
  }

  /// How the group does what its ranks can do at once by looking; null where it spans nodes.
  [[nodiscard]] mics::host::meeting* meets() noexcept { return meeting_ ? &*meeting_ : nullptr; }

  /// Before a launch of `parts`, which stay until its end.
  void begin(std::span<const schedule::part> parts) {
    known_.renew();
    for (std::optional<node_link>& link : links_) {
      if (link) link->begin();
    }
    if (rails_) rail().begin(*rails_, parts);
    on_rail_.store(false, std::memory_order_relaxed);
  }

  /// After a launch that went well.
  void end() {
    if (rails_ && on_rail()) rail().end(*rails_);
  }

  /// Has this launch had to do with other nodes? If not, nobody waits for this rank to serve the network often.
  /// Threads whose launches wait for their turn ask, too.
  [[nodiscard]] bool on_rail() const noexcept { return on_rail_.load(std::memory_order_relaxed); }

  /// The bell that neighbours ring: null where this rank does not sleep, because it has a core of its own or its group
  /// lies inside one node, where waits are short; and while it has to do with other nodes.
  [[nodiscard]] doorbell* bell() const noexcept { return on_rail() ? nullptr : box_.bell(); }
  /// So often has it rung.
  [[nodiscard]] std::uint32_t rings() const noexcept { return box_.rings(); }

  bool try_send(int peer, schedule::lane l, std::span<const std::byte> bytes) {
    std::optional<node_link>& link = links_[index(peer, l)];
    if (!link)
      return serving_rail().try_send(*rails_, peer, lane_number(l), bytes, known_.registered(bytes, memory_use::sent));
    switch (link->try_send(bytes, known_)) {
      case node_link::offer::refused:
        return false;
      case node_link::offer::lent:
        lent_.emplace_back(&*link, link->sent());
        return true;
      case node_link::offer::cut:
        cut_.push_back(&*link);
        return true;
      case node_link::offer::taken:
        break;
    }
    return true;
  }

  bool expect(int peer, schedule::lane l, std::span<std::byte> into, std::size_t bytes) {
    std::optional<node_link>& link = links_[index(peer, l)];
    if (link) return link->expect(into);
    return serving_rail().expect(*rails_, peer, lane_number(l), into, bytes,
                                 known_.registered(into, memory_use::written));
  }

  /// Throws usage_error when the peer sent another number of bytes: counts or types differ between the ranks.
  const std::byte* arrival(int peer, schedule::lane l, std::size_t bytes) {
    const auto wrong_size = [&](std::uint64_t came) { refuse(peer, bytes, came); };
    std::optional<node_link>& link = links_[index(peer, l)];
    if (!link) return serving_rail().arrival(*rails_, peer, lane_number(l), bytes, wrong_size);
    const std::byte* const data = link->arrival(bytes, wrong_size);
    moved_ |= link->moved();
    return data;
  }

  void release(int peer, schedule::lane l) {
    std::optional<node_link>& link = links_[index(peer, l)];
    link ? link->release() : rail().release(*rails_, peer, lane_number(l));
  }

  bool sends_read() {
    while (!lent_.empty() && lent_.back().first->read_up_to(lent_.back().second)) lent_.pop_back();
    if (pump()) moved_ = true;  // for the one who asks next
    return lent_.empty() && cut_.empty() && (!rails_ || rail().is_sent(*rails_));
  }

  [[nodiscard]] int world_rank(int peer) const noexcept { return group_->world_rank(peer); }

  /// Moves what has no call of its own, messages in pieces, and rings where there is news. False if nothing moved since
  /// the last call.
  bool pump() {
    bool moved = std::exchange(moved_, false);
    std::erase_if(cut_, [&](node_link* link) {
      moved |= link->pump();
      return link->pumped();
    });
    for (neighbour& n : neighbours_) n.ring();
    return moved;
  }

  // ---- failures

  /// A peer means another number of bytes than this rank.
  [[noreturn]] void refuse(int peer, std::size_t expected, std::uint64_t sent) const {
    throw usage_error("rank " + std::to_string(world_rank(peer)) + " sent " + std::to_string(sent) +
                          " bytes where this rank expects " + std::to_string(expected) +
                          ": their counts, types or operations differ",
                      {.rank = group_->at->rank});
  }

  /// Why the group has failed according to a neighbour, if it has.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, std::string>> neighbours_failure() const {
    for (const mapped_region& r : theirs_) {
      const outbox other(r.data());
      if (const std::uint64_t from = other.failed_from(); from != outbox::never) return std::pair(from, other.reason());
    }
    return {};
  }

  /// Tells all members that the group has failed, as well as that can be done.
  void tell_failure(std::uint64_t from, const std::string& reason) {
    box_.tell_failure(from, reason);
    if (!rails_) return;
    std::vector<int> far;
    for (int member = 0; member < group_->size(); ++member) {
      if (!group_->is_near(member)) far.push_back(member);
    }
    rail().tell_failure(*rails_, far, from, reason);
  }

  /// After a launch that failed, whoever told: nobody may use its memory any more.
  void abandon() {
    if (rails_) rail().abandon(*rails_);
  }

 private:
  /// In a group of one node, whose members' boxes have all been found.
  void meet() {
    std::vector<mics::host::board*> boards;
    for (const mapped_region& box : theirs_) boards.push_back(&outbox(box.data()).board());
    boards.insert(boards.begin() + group_->rank, &box_.board());
    meeting_.emplace(std::move(boards), group_->rank);
  }

  [[nodiscard]] rail_endpoint& rail() const noexcept { return *group_->at->rail; }
  [[nodiscard]] rail_endpoint& serving_rail() noexcept {
    on_rail_.store(true, std::memory_order_relaxed);
    return rail();
  }
  static constexpr std::uint32_t lane_number(schedule::lane l) noexcept {
    return static_cast<std::uint32_t>(index_of(l));
  }
  static std::size_t index(int peer, schedule::lane l) noexcept {
    return static_cast<std::size_t>(peer) * schedule::lanes + index_of(l);
  }

  const group* group_;
  known_memory::view known_;
  own_region box_region_;
  outbox box_;
  std::vector<mapped_region> theirs_{};          ///< the neighbours' boxes
  std::vector<neighbour> neighbours_{};          ///< by place
  std::vector<std::optional<node_link>> links_;  ///< by member and lane; none: beyond the node
  std::optional<mics::host::meeting> meeting_{};
  std::shared_ptr<rail_group> rails_{};
  std::vector<std::pair<node_link*, std::uint64_t>> lent_{};  ///< messages that neighbours may still be reading
  std::vector<node_link*> cut_{};                             ///< links in the midst of a message in pieces
  bool moved_ = false;
  std::atomic<bool> on_rail_{false};
};

}  // namespace mics::libfabric
