#pragma once

#include <cstddef>
#include <cstring>
#include <deque>
#include <span>
#include <vector>

#include <mics/error.hpp>
#include <mics/transport/libfabric/rail/fabric.hpp>
#include <mics/transport/libfabric/rail/link.hpp>
#include <mics/transport/libfabric/rail/wire.hpp>
#include <mics/transport/libfabric/rail/work.hpp>

namespace mics::libfabric {

/// The packets of an endpoint: those that wait for messages, and those on their way out. Grows to what was needed at
/// once, and is kept.
class packet_room {
 public:
  explicit packet_room(fabric& through) : fabric_(&through), memory_(through.registers()) {
    for (std::size_t i = 0; i < always_posted; ++i) idle_.push_back(make());
    post_receives();
  }

  /// Posts what is idle.
  void post_receives() {
    while (!idle_.empty() && fabric_->post_receive(*idle_.back())) idle_.pop_back();
  }
  void recycle(incoming* packet) { idle_.push_back(packet); }

  /// A packet is kept for a while; another one takes its place, so that as many as ever are posted.
  void replace() {
    if (spares_.empty()) spares_.push_back(make());
    idle_.push_back(spares_.back());
    spares_.pop_back();
  }
  /// A packet that was kept comes back.
  void give_back(incoming* packet) { spares_.push_back(packet); }

  [[nodiscard]] outgoing* take(rail_group& of) {
    if (free_.empty()) free_.push_back(&outgoings_.emplace_back());
    outgoing* const taken = free_.back();
    free_.pop_back();
    taken->what = work::type::send;
    taken->may_fail = false;
    taken->of = &of;
    return taken;
  }

  void give_back(outgoing* done) {
    if (done->memory != nullptr) memory_.give_back(done->memory);
    done->memory = nullptr;
    free_.push_back(done);
  }

  /// Sends a packet; false when the provider has no room. `may_fail`: nobody depends on it, so one that the provider
  /// cannot send at all counts as sent.
  bool post(rail_group& group, fi_addr_t to, const wire_header& header, std::span<const std::byte> payload,
            bool may_fail) {
    outgoing* const packet = take(group);
    packet->memory = memory_.take(packet_bytes);
    packet->may_fail = may_fail;
    std::byte* const at = packet->memory->memory.data();
    std::memcpy(at, &header, sizeof header);
    if (!payload.empty()) std::memcpy(at + sizeof header, payload.data(), payload.size());
    try {
      if (fabric_->post_packet(to, *packet, sizeof header + payload.size())) {
        ++group.in_flight;
        return true;
      }
    } catch (const transport_error&) {
      give_back(packet);
      if (!may_fail) throw;
      return true;
    }
    give_back(packet);
    return false;
  }

 private:
  static constexpr std::size_t always_posted = 64;

  incoming* make() {
    incoming& made = incomings_.emplace_back();
    made.memory = memory_.take(packet_bytes);
    return &made;
  }

  fabric* fabric_;
  landing_pool memory_;
  std::deque<incoming> incomings_{};
  std::vector<incoming*> idle_{};  ///< no receive is posted for them
  std::vector<incoming*> spares_{};
  std::deque<outgoing> outgoings_{};
  std::vector<outgoing*> free_{};
};

}  // namespace mics::libfabric
