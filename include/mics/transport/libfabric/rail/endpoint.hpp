#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <mics/error.hpp>
#include <mics/schedule/part.hpp>
#include <mics/transport/libfabric/rail/fabric.hpp>
#include <mics/transport/libfabric/rail/farewells.hpp>
#include <mics/transport/libfabric/rail/gate.hpp>
#include <mics/transport/libfabric/rail/landing_room.hpp>
#include <mics/transport/libfabric/rail/link.hpp>
#include <mics/transport/libfabric/rail/link_table.hpp>
#include <mics/transport/libfabric/rail/packets.hpp>
#include <mics/transport/libfabric/rail/provider.hpp>
#include <mics/transport/libfabric/rail/receiver.hpp>
#include <mics/transport/libfabric/rail/sender.hpp>

namespace mics::libfabric {

/// One rank's messages to and from other nodes, for all its groups. A small message travels in one packet; for a large
/// one its receiver announces the slot, and its sender writes there, in one step and without a copy, or sends a tagged
/// message where the provider cannot write. All groups share one endpoint, and with it its completion queue: one lock,
/// held for single calls and without contention unless several streams of a rank communicate at once.
class rail_endpoint {
 public:
  rail_endpoint(provider found, int rank)
      : fabric_(std::move(found), rank),
        gate_(fabric_, rank),
        packets_(fabric_),
        places_(fabric_),
        farewells_(packets_, own_, rank),
        out_(fabric_, packets_, places_, farewells_, own_, rank),
        in_(gate_, fabric_.registers(), packets_, places_, farewells_, links_, out_) {}
  ~rail_endpoint() { leave(); }
  rail_endpoint(const rail_endpoint&) = delete;
  rail_endpoint& operator=(const rail_endpoint&) = delete;

  [[nodiscard]] std::string provider_name() const { return fabric_.provider_name(); }
  [[nodiscard]] std::vector<std::byte> name() const { return fabric_.name(); }

  /// The names of all ranks, in their order.
  void connect(const std::vector<std::vector<std::byte>>& names) {
    const std::lock_guard lock(mutex_);
    out_.connect(names);
    farewells_.resize(names.size());
  }

  /// What memory it has registered, and by which rules.
  [[nodiscard]] registrar& registers() noexcept { return fabric_.registers(); }

  /// Bytes of all messages that were received and used; without headers and announcements.
  [[nodiscard]] std::uint64_t received() {
    const std::lock_guard lock(mutex_);
    return in_.received();
  }

  /// How many links it holds, at most one for each peer and lane of a group that exists; and how many ranks of other
  /// nodes it has had to do with, which is how many connections it may hold.
  [[nodiscard]] std::size_t links() {
    const std::lock_guard lock(mutex_);
    return links_.size();
  }
  [[nodiscard]] std::size_t peers_met() {
    const std::lock_guard lock(mutex_);
    return farewells_.met();
  }

  /// How often the provider had no room for what was to be posted, which therefore was posted later.
  [[nodiscard]] std::uint64_t refused() {
    const std::lock_guard lock(mutex_);
    return fabric_.refused();
  }

  /// How many packets wait for groups that this rank has not made yet.
  [[nodiscard]] std::size_t early() {
    const std::lock_guard lock(mutex_);
    return in_.early();
  }

  /// Memory that will be used often.
  [[nodiscard]] registration enroll(std::span<const std::byte> memory, memory_use use = memory_use::written) {
    const std::lock_guard lock(mutex_);
    gate_.require_open();
    return registration(fabric_.registers(), memory, use);
  }
  void forget(registration known) {
    const std::lock_guard lock(mutex_);
    known = {};
  }

  void join(const std::shared_ptr<rail_group>& group) {
    const std::lock_guard lock(mutex_);
    in_.join(group);
  }

  /// The group is of no use any more. Slots that peers may still write into end all traffic of this rank.
  void retire(const std::shared_ptr<rail_group>& group) {
    const std::lock_guard lock(mutex_);
    shut_if_exposed(*group);
    for (const auto& link : group->links) {
      if (!link) continue;
      links_.remove(*link);  // nothing is under way to its slots, or all traffic has ended
      out_.forgive(*link);
      in_.clear(*link);
    }
    group->memory.end();
    in_.retire(*group);
    if (group->in_flight > 0) retired_.push_back(group);
  }

  /// After a failure: what others still write into, or the provider reads, may be freed by its owner.
  void abandon(rail_group& group) {
    const std::lock_guard lock(mutex_);
    shut_if_exposed(group);
    group.memory.end();
  }

  // ---- what a port needs

  /// Before a launch: the last one may have ended before all its small messages had been expected.
  /// `parts`: what it is made of, until end().
  void begin(rail_group& group, std::span<const schedule::part> parts) {
    const std::lock_guard lock(mutex_);
    group.memory.begin(parts);
    for (const auto& link : group.links) {
      if (link) link->expected = link->taken;
    }
  }

  /// After a launch, when all that it sent has left and all that it expected has been used.
  void end(rail_group& group) {
    const std::lock_guard lock(mutex_);
    group.memory.end();
  }

  /// `known`: the registration of the memory around the message, if there is one; for expect() likewise.
  bool try_send(rail_group& group, int peer, std::uint32_t lane, std::span<const std::byte> bytes,
                const registration* known) {
    const std::lock_guard lock(mutex_);
    gate_.require_open();
    return out_.send(links_.find_or_make(group, peer, lane), bytes, known);
  }

  bool expect(rail_group& group, int peer, std::uint32_t lane, std::span<std::byte> into, std::size_t bytes,
              const registration* known) {
    const std::lock_guard lock(mutex_);
    gate_.require_open();
    return in_.expect(links_.find_or_make(group, peer, lane), into, bytes, known);
  }

  /// `wrong_size(bytes)` is called when another size has come, and throws.
  template <class WrongSize>
  const std::byte* arrival(rail_group& group, int peer, std::uint32_t lane, std::size_t bytes, WrongSize wrong_size) {
    const std::lock_guard lock(mutex_);
    gate_.require_open();
    return in_.arrival(links_.find_or_make(group, peer, lane), bytes, wrong_size);
  }

  void release(rail_group& group, int peer, std::uint32_t lane) {
    const std::lock_guard lock(mutex_);
    gate_.require_open();
    in_.release(links_.find_or_make(group, peer, lane));
  }

  /// Has everything of this group left this rank?
  bool is_sent(rail_group& group) {
    const std::lock_guard lock(mutex_);
    return group.in_flight == 0;
  }

  /// Moves what can be moved, for all groups; false if nothing could, or another thread is at it.
  bool progress() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    return lock && gate_.open() && read();
  }

  /// Tells the group's ranks on other nodes that it has failed; for a second at most.
  void tell_failure(rail_group& group, const std::vector<int>& peers, std::uint64_t from, const std::string& reason) {
    const auto end = clock::now() + std::chrono::seconds(1);
    const std::string words = reason.substr(0, 1000);
    for (const int peer : peers) {
      while (!try_tell(group, peer, from, words) && clock::now() < end) std::this_thread::yield();
    }
    while (clock::now() < end && progress()) {
    }
  }

 private:
  using clock = std::chrono::steady_clock;

  void shut_if_exposed(const rail_group& group) {
    const bool exposed = group.writes > 0 || std::any_of(group.links.begin(), group.links.end(), [](const auto& link) {
                           return link && std::any_of(link->landings.begin(), link->landings.end(),
                                                      [](const landing& l) { return l.outstanding(); });
                         });
    if (exposed) gate_.shut("an operation of this rank failed while its memory was in use by the network");
  }

  bool read() {
    out_.pay();
    const bool moved = fabric_.poll([&](std::uint32_t token) { in_.landed(token); },
                                    [&](work& done, std::size_t bytes) { ended(done, bytes); },
                                    [&](work* lost, const std::string& words) { failed(lost, words); });
    if (gate_.open()) packets_.post_receives();
    return moved;
  }

  void ended(work& done, std::size_t bytes) {
    switch (done.what) {
      case work::type::receive: {
        auto& packet = static_cast<incoming&>(done);
        packet.bytes = bytes;
        in_.take(packet) ? packets_.replace() : packets_.recycle(&packet);
        return;
      }
      case work::type::send: {
        auto& sent = static_cast<outgoing&>(done);
        rail_group& group = *sent.of;
        if (sent.memory == nullptr) --group.writes;
        packets_.give_back(&sent);
        finish(group);
        return;
      }
      case work::type::landing:
        static_cast<landing&>(done).missing = 0;
        return;
    }
  }

  void finish(rail_group& group) {
    if (--group.in_flight > 0 || retired_.empty()) return;
    std::erase_if(retired_, [&](const auto& g) { return g.get() == &group; });
  }

  void failed(work* lost, const std::string& words) {
    bool matters = true;
    if (lost != nullptr && lost->what == work::type::send) {
      matters = !static_cast<outgoing*>(lost)->may_fail;
      ended(*lost, 0);
    } else if (lost != nullptr && lost->what == work::type::receive) {
      packets_.recycle(static_cast<incoming*>(lost));
    }
    if (matters) gate_.shut("the network to another rank failed: " + words);
  }

  bool try_tell(rail_group& group, int peer, std::uint64_t from, const std::string& words) {
    const std::lock_guard lock(mutex_);
    if (!gate_.open()) return true;
    try {
      if (out_.send_failure(group, peer, from, words)) return true;
      read();
      return false;
    } catch (const transport_error&) {
      return true;  // the peer cannot be reached: its own deadline will tell it
    }
  }

  void leave() noexcept try {
    const auto end = clock::now() + farewells::patience;
    while (gate_.open() && !farewells_.all_said(out_.peers()) && clock::now() < end) {
      if (!read()) std::this_thread::yield();
    }
    gate_.shut("this rank has left");
  } catch (...) {
    gate_.shut("this rank has left");
  }

  std::mutex mutex_{};
  fabric fabric_;
  rail_gate gate_;
  packet_room packets_;
  landing_room places_;
  failure_state no_failure_{};
  rail_group own_{0, 0, {}, no_failure_};  ///< of what belongs to no launch: credits and goodbyes
  farewells farewells_;
  link_table links_{};
  rail_sender out_;
  rail_receiver in_;
  std::vector<std::shared_ptr<rail_group>> retired_{};  ///< of whom the provider still has something
};

}  // namespace mics::libfabric
