#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <mics/error.hpp>
#include <mics/schedule/part.hpp>
#include <mics/transport/libfabric/failure.hpp>
#include <mics/transport/libfabric/rail/fabric.hpp>
#include <mics/transport/libfabric/rail/farewells.hpp>
#include <mics/transport/libfabric/rail/faults.hpp>
#include <mics/transport/libfabric/rail/landing_room.hpp>
#include <mics/transport/libfabric/rail/link.hpp>
#include <mics/transport/libfabric/rail/packets.hpp>
#include <mics/transport/libfabric/rail/provider.hpp>
#include <mics/transport/libfabric/rail/sender.hpp>

namespace mics::libfabric {

/// One rank's messages to and from other nodes, for all its groups. A small message travels in one packet; for a large
/// one its receiver announces the slot, and its sender writes there, in one step and without a copy, or sends a tagged
/// message where the provider cannot write. All groups share one endpoint, and with it its completion queue: one lock,
/// held for single calls and without contention unless several streams of a rank communicate at once.
class rail_endpoint {
 public:
  rail_endpoint(provider found, int rank)
      : rank_(rank),
        fabric_(std::move(found), rank),
        packets_(fabric_),
        places_(fabric_),
        farewells_(packets_, rank),
        out_(fabric_, packets_, places_, farewells_, rank) {}
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
    return received_;
  }

  /// How many links it holds, at most one for each peer and lane of a group that exists; and how many ranks of other
  /// nodes it has had to do with, which is how many connections it may hold.
  [[nodiscard]] std::size_t links() {
    const std::lock_guard lock(mutex_);
    return links_.size() - free_links_.size();
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
    return orphans_.size();
  }

  /// Memory that will be used often.
  [[nodiscard]] registration enroll(std::span<const std::byte> memory) {
    const std::lock_guard lock(mutex_);
    return registration(fabric_.registers(), memory);
  }
  void forget(registration known) {
    const std::lock_guard lock(mutex_);
    known = {};
  }

  void join(const std::shared_ptr<rail_group>& group) {
    const std::lock_guard lock(mutex_);
    groups_[group->id] = group;
    std::vector<incoming*> early;
    early.swap(orphans_);
    for (incoming* packet : early) {
      if (!take(*packet)) packets_.give_back(packet);
    }
  }

  /// The group is of no use any more. Slots that peers may still write into end all traffic of this rank.
  void retire(const std::shared_ptr<rail_group>& group) {
    const std::lock_guard lock(mutex_);
    silence_if_exposed(*group);
    for (const auto& link : group->links) {
      if (!link) continue;
      links_[link->index] = nullptr;
      free_links_.push_back(link->index);  // nothing is under way to its slots, or all traffic has ended
      std::erase(owing_, link.get());
      for (landing& l : link->landings) clear(l);
    }
    group->memory.end();
    groups_.erase(group->id);
    ended_.insert(group->id);
    if (group->in_flight > 0) retired_.push_back(group);
  }

  /// After a failure: what others still write into, or the provider reads, may be freed by its owner.
  void abandon(rail_group& group) {
    const std::lock_guard lock(mutex_);
    silence_if_exposed(group);
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
    require_open();
    rail_link& link = link_to(group, peer, lane);
    return out_.send(link, bytes, known);
  }

  bool expect(rail_group& group, int peer, std::uint32_t lane, std::span<std::byte> into, std::size_t bytes,
              const registration* known) {
    const std::lock_guard lock(mutex_);
    require_open();
    rail_link& link = link_to(group, peer, lane);
    if (link.expected < link.taken) {  // a small one, used before it was expected
      ++link.expected;
      return true;
    }
    const std::uint64_t ahead = link.expected - link.taken;
    if (ahead >= rail_window) return false;
    landing& place = link.place_of(link.expected);
    if (bytes > small_bytes && place.small == nullptr) {
      if (!place.prepared) {
        if (into.empty() && ahead > 0 && (ahead + 1) * bytes > most_kept) return false;
        if (known == nullptr && !into.empty() && registers().landings()) {
          known = &group.memory.around(into, registers(), memory_use::written);
        }
        places_.prepare(place, into, bytes, known);
      }
      if (!out_.announce(link, place, bytes)) return false;
    }
    ++link.expected;
    return true;
  }

  /// `wrong_size(bytes)` is called when another size has come, and throws.
  template <class WrongSize>
  const std::byte* arrival(rail_group& group, int peer, std::uint32_t lane, std::size_t bytes, WrongSize wrong_size) {
    const std::lock_guard lock(mutex_);
    require_open();
    rail_link& link = link_to(group, peer, lane);
    const landing& place = link.place_of(link.taken);
    if (place.small != nullptr) {
      const std::uint64_t came = place.small->header().bytes;
      if (came != bytes) wrong_size(came);
      return place.small->payload();
    }
    return place.prepared && place.missing == 0 ? place.memory.data() : nullptr;
  }

  void release(rail_group& group, int peer, std::uint32_t lane) {
    const std::lock_guard lock(mutex_);
    rail_link& link = link_to(group, peer, lane);
    landing& place = link.place_of(link.taken);
    received_ += place.small != nullptr ? place.small->header().bytes : place.memory.size();
    clear(place);
    ++link.taken;
    if (link.taken - link.told < rail_window / 2 || link.owes) return;
    link.owes = true;
    ++group.owing;
    owing_.push_back(&link);
    pay();
  }

  /// Has everything of this group left this rank?
  bool is_sent(rail_group& group) {
    const std::lock_guard lock(mutex_);
    return group.in_flight == 0 && group.owing == 0;
  }

  /// Moves what can be moved, for all groups; false if nothing could, or another thread is at it.
  bool progress() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    return lock && open_ && read();
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
  static constexpr std::size_t most_kept = std::size_t{2} << 20;  ///< bytes of a link in the transport's own memory

  void require_open() const {
    if (!open_) throw transport_error(closed_because_, {.rank = rank_});
  }

  void silence(const std::string& why) noexcept {
    if (!open_) return;
    open_ = false;
    closed_because_ = why;
    fabric_.silence();
  }

  void silence_if_exposed(const rail_group& group) {
    const bool exposed = group.writes > 0 || std::any_of(group.links.begin(), group.links.end(), [](const auto& link) {
                           return link && std::any_of(link->landings.begin(), link->landings.end(),
                                                      [](const landing& l) { return l.outstanding(); });
                         });
    if (exposed) silence("an operation of this rank failed while its memory was in use by the network");
  }

  rail_link& link_to(rail_group& group, int peer, std::uint32_t lane) {
    auto& link = group.links[static_cast<std::size_t>(peer) * schedule::lanes + lane];
    if (!link) {
      link = std::make_unique<rail_link>(group, peer, lane, free_index());
      links_[link->index] = link.get();
    }
    return *link;
  }

  /// A place in the table of links.
  std::uint32_t free_index() {
    if (free_links_.empty()) {
      free_links_.push_back(static_cast<std::uint32_t>(links_.size()));
      links_.push_back(nullptr);
    }
    const std::uint32_t index = free_links_.back();
    free_links_.pop_back();
    return index;
  }

  void clear(landing& place) {
    if (place.small != nullptr) packets_.give_back(place.small);
    place.small = nullptr;
    places_.clear(place);
  }

  /// Sends the credits and the goodbyes that are due.
  void pay() {
    if (!farewells_.answer(out_.peers())) return;
    while (!owing_.empty()) {
      rail_link& link = *owing_.back();
      if (link.taken != link.told && !out_.send_credit(link)) return;
      link.owes = false;
      --link.of->owing;
      owing_.pop_back();
    }
  }

  // ---- what comes

  bool read() {
    pay();
    const bool moved = fabric_.poll([&](std::uint32_t token) { landed(token); },
                                    [&](work& done, std::size_t bytes) { ended(done, bytes); },
                                    [&](work* lost, const std::string& words) { failed(lost, words); });
    if (open_) packets_.post_receives();
    return moved;
  }

  void landed(std::uint32_t token) {
    const std::size_t index = token / rail_window;
    if (index >= links_.size() || links_[index] == nullptr) return;
    landing& place = links_[index]->landings[token % rail_window];
    if (place.missing > 0) --place.missing;
  }

  void ended(work& done, std::size_t bytes) {
    switch (done.what) {
      case work::type::receive: {
        auto& packet = static_cast<incoming&>(done);
        packet.bytes = bytes;
        take(packet) ? packets_.replace() : packets_.recycle(&packet);
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
    if (matters) silence("the network to another rank failed: " + words);
  }

  /// True if the packet is kept.
  bool take(incoming& packet) {
    if (packet.bytes < sizeof(wire_header)) return refuse("it has " + std::to_string(packet.bytes) + " bytes");
    const wire_header h = packet.header();
    if (h.what == kind::goodbye) {
      farewells_.departed(h.from);
      return false;
    }
    const auto found = groups_.find(h.group);
    if (found == groups_.end()) {
      if (h.what == kind::credit || ended_.contains(h.group)) return false;
      orphans_.push_back(&packet);  // a group that this rank is about to make
      return true;
    }
    rail_group& group = *found->second;
    if (const char* const fault = fault_of(h, packet.bytes, group.members.size())) return refuse(fault);
    farewells_.meet(static_cast<std::size_t>(group.members[h.from]));
    if (h.what == kind::failure) {
      group.failure->set(words_in(packet), h.number);
      return false;
    }
    rail_link& link = link_to(group, static_cast<int>(h.from), h.lane);
    if (const char* const fault = fault_of(h, link)) return refuse(fault);
    link.consumed = std::max(link.consumed, h.consumed);
    if (h.what == kind::slot && h.number >= link.sent) {
      link.slot_of(h.number) = {h.number, h.bytes, h.address, h.key, h.token};
    }
    if (h.what != kind::data) return false;
    link.place_of(h.number).small = &packet;
    return true;
  }

  /// The provider is reliable, so a packet that cannot be is no accident of the network: nothing that comes can be
  /// trusted any more, and to drop it would only mean that somebody waits for it.
  bool refuse(const std::string& fault) {
    silence("a packet from another rank is malformed: " + fault);
    return false;
  }

  static std::string words_in(const incoming& packet) {
    return {reinterpret_cast<const char*>(packet.payload()), packet.bytes - sizeof(wire_header)};
  }

  bool try_tell(rail_group& group, int peer, std::uint64_t from, const std::string& words) {
    const std::lock_guard lock(mutex_);
    if (!open_) return true;
    try {
      if (out_.send_failure(group, peer, from, words)) return true;
      read();
      return false;
    } catch (const transport_error&) {
      return true;  // the peer cannot be reached: its own deadline will tell it
    }
  }

  /// Two seconds at most.
  void leave() noexcept try {
    const auto end = clock::now() + std::chrono::seconds(2);
    while (open_ && !farewells_.all_said(out_.peers()) && clock::now() < end) {
      if (!read()) std::this_thread::yield();
    }
    silence("this rank has left");
  } catch (...) {
    silence("this rank has left");
  }

  int rank_;
  std::mutex mutex_{};
  bool open_ = true;
  std::string closed_because_{};
  fabric fabric_;
  packet_room packets_;
  landing_room places_;
  farewells farewells_;
  rail_sender out_;
  std::vector<incoming*> orphans_{};  ///< of groups that do not exist here yet
  std::unordered_map<std::uint64_t, std::shared_ptr<rail_group>> groups_{};
  std::unordered_set<std::uint64_t> ended_{};  ///< of groups that were here: what still comes for them is dropped
  std::vector<std::shared_ptr<rail_group>> retired_{};
  std::vector<rail_link*> links_{};          ///< by index; null: free
  std::vector<std::uint32_t> free_links_{};  ///< indices of links whose groups are gone
  std::vector<rail_link*> owing_{};
  std::uint64_t received_ = 0;
};

}  // namespace mics::libfabric
