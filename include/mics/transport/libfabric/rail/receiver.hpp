#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <mics/transport/libfabric/rail/farewells.hpp>
#include <mics/transport/libfabric/rail/faults.hpp>
#include <mics/transport/libfabric/rail/gate.hpp>
#include <mics/transport/libfabric/rail/landing_room.hpp>
#include <mics/transport/libfabric/rail/link.hpp>
#include <mics/transport/libfabric/rail/link_table.hpp>
#include <mics/transport/libfabric/rail/packets.hpp>
#include <mics/transport/libfabric/rail/sender.hpp>
#include <mics/transport/libfabric/rail/wire.hpp>

namespace mics::libfabric {

/// Everything that an endpoint hears from its peers: the messages that are expected, and the packets and writes that
/// come.
class rail_receiver {
 public:
  rail_receiver(rail_gate& gate, registrar& registers, packet_room& packets, landing_room& places, farewells& met,
                link_table& links, rail_sender& answers)
      : gate_(&gate),
        registers_(&registers),
        packets_(&packets),
        places_(&places),
        farewells_(&met),
        links_(&links),
        answers_(&answers) {}

  /// From now on packets for this group have a place; those that came early are looked at.
  void join(const std::shared_ptr<rail_group>& group) {
    groups_[group->id] = group;
    std::vector<incoming*> early;
    early.swap(orphans_);
    for (incoming* packet : early) {
      if (!take(*packet)) packets_->give_back(packet);
    }
  }

  /// What still comes for it is dropped.
  void retire(const rail_group& group) {
    groups_.erase(group.id);
    ended_.insert(group.id);
  }

  /// How many packets wait for groups that this rank has not made yet.
  [[nodiscard]] std::size_t early() const noexcept { return orphans_.size(); }
  /// Bytes of all messages that were received and used; without headers and announcements.
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

  /// Makes room for the next message of a link, in `into` or, where that is empty, in the transport's own memory; false
  /// when that is not possible now. `known`: the registration of the memory around `into`, if there is one.
  bool expect(rail_link& link, std::span<std::byte> into, std::size_t bytes, const registration* known) {
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
        if (known == nullptr && !into.empty() && registers_->landings()) {
          known = &link.of->memory.around(into, *registers_, memory_use::written);
        }
        places_->prepare(place, into, bytes, known);
      }
      if (!answers_->announce(link, place, bytes)) return false;
    }
    ++link.expected;
    return true;
  }

  /// The next message of a link, once all of it is there; null before.
  /// `wrong_size(bytes)` is called when another size has come, and throws.
  template <class WrongSize> const std::byte* arrival(rail_link& link, std::size_t bytes, WrongSize wrong_size) const {
    const landing& place = link.place_of(link.taken);
    if (place.small != nullptr) {
      const std::uint64_t came = place.small->header().bytes;
      if (came != bytes) wrong_size(came);
      return place.small->payload();
    }
    return place.prepared && place.missing == 0 ? place.memory.data() : nullptr;
  }

  /// That message has been used.
  void release(rail_link& link) {
    landing& place = link.place_of(link.taken);
    received_ += place.small != nullptr ? place.small->header().bytes : place.memory.size();
    clear(place);
    ++link.taken;
    if (link.taken - link.told >= rail_window / 2) answers_->owe(link);
  }

  void clear(rail_link& link) {
    for (landing& l : link.landings) clear(l);
  }

  /// A peer has written a piece of a message.
  void landed(std::uint32_t token) noexcept {
    landing* const place = links_->place_of(token);
    if (place != nullptr && place->missing > 0) --place->missing;
  }

  /// A packet has come; true if it is kept.
  bool take(incoming& packet) {
    if (packet.bytes < sizeof(wire_header)) return refuse("it has " + std::to_string(packet.bytes) + " bytes");
    const wire_header h = packet.header();
    if (h.what == kind::goodbye) {
      farewells_->departed(h.from);
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
    farewells_->meet(static_cast<std::size_t>(group.members[h.from]));
    if (h.what == kind::failure) {
      group.failure->set(words_in(packet), h.number);
      return false;
    }
    rail_link& link = links_->find_or_make(group, static_cast<int>(h.from), h.lane);
    if (const char* const fault = fault_of(h, link)) return refuse(fault);
    link.consumed = std::max(link.consumed, h.consumed);
    if (h.what == kind::slot && h.number >= link.sent) {
      link.slot_of(h.number) = {h.number, h.bytes, h.address, h.key, h.token};
    }
    if (h.what != kind::data) return false;
    link.place_of(h.number).small = &packet;
    return true;
  }

 private:
  static constexpr std::size_t most_kept = std::size_t{2} << 20;  ///< bytes of a link in the transport's own memory

  void clear(landing& place) {
    if (place.small != nullptr) packets_->give_back(place.small);
    place.small = nullptr;
    places_->clear(place);
  }

  /// The provider is reliable, so a packet that cannot be is no accident of the network: nothing that comes can be
  /// trusted any more, and to drop it would only mean that somebody waits for it.
  bool refuse(const std::string& fault) {
    gate_->shut("a packet from another rank is malformed: " + fault);
    return false;
  }

  static std::string words_in(const incoming& packet) {
    return {reinterpret_cast<const char*>(packet.payload()), packet.bytes - sizeof(wire_header)};
  }

  rail_gate* gate_;
  registrar* registers_;
  packet_room* packets_;
  landing_room* places_;
  farewells* farewells_;
  link_table* links_;
  rail_sender* answers_;
  std::vector<incoming*> orphans_{};  ///< of groups that do not exist here yet
  std::unordered_map<std::uint64_t, std::shared_ptr<rail_group>> groups_{};
  std::unordered_set<std::uint64_t> ended_{};  ///< of groups that were here
  std::uint64_t received_ = 0;
};

}  // namespace mics::libfabric
