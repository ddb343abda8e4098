#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <mics/error.hpp>
#include <mics/transport/libfabric/rail/fabric.hpp>
#include <mics/transport/libfabric/rail/farewells.hpp>
#include <mics/transport/libfabric/rail/landing_room.hpp>
#include <mics/transport/libfabric/rail/link.hpp>
#include <mics/transport/libfabric/rail/packets.hpp>
#include <mics/transport/libfabric/rail/wire.hpp>

namespace mics::libfabric {

/// Everything that an endpoint says to its peers. Every call says false, and has done nothing, when the provider or the
/// peer has no room now. Each packet tells the peer how many of its messages have been used.
class rail_sender {
 public:
  /// `own`: counts credits under way.
  rail_sender(fabric& through, packet_room& packets, landing_room& places, farewells& met, rail_group& own, int rank)
      : fabric_(&through), packets_(&packets), places_(&places), farewells_(&met), own_(&own), rank_(rank) {}

  /// The names of all ranks, in their order.
  void connect(const std::vector<std::vector<std::byte>>& names) {
    for (const auto& name : names) peers_.push_back(fabric_->connect(name));
  }
  [[nodiscard]] const std::vector<fi_addr_t>& peers() const noexcept { return peers_; }

  /// The next message of a link. (A large one may have been given to the provider in part when it says false.)
  /// `known`: the registration of the memory around `bytes`, if there is one.
  /// Throws usage_error when the peer expects another size.
  bool send(rail_link& link, std::span<const std::byte> bytes, const registration* known) {
    return bytes.size() <= small_bytes ? send_packet(link, bytes) : send_large(link, bytes, known);
  }

  /// Tells the peer where its next message belongs.
  bool announce(rail_link& link, landing& place, std::size_t bytes) {
    if (!fabric_->one_sided() && !place.posted) {
      if (!fabric_->post_tagged_receive(place, link.token_of(link.expected))) return false;
      place.posted = true;
    }
    wire_header h = header_for(link, kind::slot, link.expected);
    h.bytes = bytes;
    h.token = link.token_of(link.expected);
    if (fabric_->one_sided()) {
      h.address = place.known->address_of(place.memory.data());
      h.key = place.known->key();
    }
    if (!packets_->post(*link.of, address_of(*link.of, link.peer), h, {}, false)) return false;
    link.told = h.consumed;
    return true;
  }

  /// The peer is to be told that more of its messages may come, unless another packet does it first: pay() does. No
  /// launch waits for that: whoever has ended one has what its peers sent for it, and what they send for the next this
  /// rank must take part in.
  void owe(rail_link& link) {
    if (link.owes) return;
    link.owes = true;
    owing_.push_back(&link);
    pay();
  }
  /// The link goes.
  void forgive(rail_link& link) { std::erase(owing_, &link); }

  /// Sends the credits and the goodbyes that are due, as far as there is room: a peer that cannot be reached now keeps
  /// nobody else waiting.
  void pay() {
    farewells_->answer(peers_);
    std::erase_if(owing_, [this](rail_link* link) {
      link->owes = !settled(*link) && !send_credit(*link);
      return !link->owes;
    });
  }

  bool send_failure(rail_group& group, int peer, std::uint64_t from, const std::string& words) {
    wire_header h;
    h.what = kind::failure;
    h.group = group.id;
    h.from = static_cast<std::uint32_t>(group.me);
    h.number = from;
    return packets_->post(group, address_of(group, peer), h, std::as_bytes(std::span(words)), true);
  }

 private:
  static std::size_t rank_of(const rail_group& group, int peer) noexcept {
    return static_cast<std::size_t>(group.members[static_cast<std::size_t>(peer)]);
  }

  [[nodiscard]] fi_addr_t address_of(const rail_group& group, int peer) {
    const std::size_t rank = rank_of(group, peer);
    farewells_->meet(rank);
    return peers_[rank];
  }

  [[nodiscard]] wire_header header_for(const rail_link& link, kind what, std::uint64_t number) const {
    wire_header h;
    h.what = what;
    h.lane = link.lane;
    h.group = link.of->id;
    h.from = static_cast<std::uint32_t>(link.of->me);
    h.number = number;
    h.consumed = link.taken;
    return h;
  }

  /// Does the peer know what it may still send? One that has said goodbye sends nothing, and may be out of reach.
  [[nodiscard]] bool settled(const rail_link& link) const {
    return link.taken == link.told || farewells_->has_left(rank_of(*link.of, link.peer));
  }

  bool send_credit(rail_link& link) {
    const wire_header h = header_for(link, kind::credit, 0);
    if (!packets_->post(*own_, address_of(*link.of, link.peer), h, {}, true)) return false;
    link.told = h.consumed;
    return true;
  }

  bool send_packet(rail_link& link, std::span<const std::byte> bytes) {
    if (link.sent - link.consumed >= rail_window) return false;
    wire_header h = header_for(link, kind::data, link.sent);
    h.bytes = bytes.size();
    if (!packets_->post(*link.of, address_of(*link.of, link.peer), h, bytes, false)) return false;
    link.told = h.consumed;
    ++link.sent;
    return true;
  }

  bool send_large(rail_link& link, std::span<const std::byte> bytes, const registration* known) {
    const rail_link::slot& slot = link.slot_of(link.sent);
    if (slot.number != link.sent) return false;
    if (slot.bytes != bytes.size()) {
      throw usage_error("rank " + std::to_string(rank_of(*link.of, link.peer)) + " expects " +
                            std::to_string(slot.bytes) + " bytes where this rank sends " +
                            std::to_string(bytes.size()) + ": their counts, types or operations differ",
                        {.rank = rank_});
    }
    if (known == nullptr && fabric_->registers().local()) {
      known = &link.of->memory.around(bytes, fabric_->registers(), memory_use::sent);
    }
    void* const descriptor = known != nullptr ? known->descriptor() : nullptr;
    while (link.written < bytes.size()) {
      const auto piece = bytes.subspan(link.written, std::min(places_->largest_piece(), bytes.size() - link.written));
      if (!write(link, slot, piece, descriptor)) return false;
      link.written += piece.size();
    }
    link.written = 0;
    ++link.sent;
    return true;
  }

  bool write(rail_link& link, const rail_link::slot& slot, std::span<const std::byte> piece, void* descriptor) {
    const fi_addr_t to = address_of(*link.of, link.peer);
    outgoing* const context = packets_->take(*link.of);
    const bool posted = fabric_->one_sided() ? fabric_->post_write(to, piece, descriptor, slot.token,
                                                                   slot.address + link.written, slot.key, *context)
                                             : fabric_->post_tagged_send(to, piece, descriptor, slot.token, *context);
    if (!posted) {
      packets_->give_back(context);
      return false;
    }
    ++link.of->in_flight;
    ++link.of->writes;
    return true;
  }

  fabric* fabric_;
  packet_room* packets_;
  landing_room* places_;
  farewells* farewells_;
  rail_group* own_;
  int rank_;
  std::vector<fi_addr_t> peers_{};   ///< by rank
  std::vector<rail_link*> owing_{};  ///< credits
};

}  // namespace mics::libfabric
