#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <mics/transport/libfabric/failure.hpp>
#include <mics/transport/libfabric/rail/packets.hpp>

namespace mics::libfabric {

/// Who of the world's ranks was met and who has left. A rank that leaves says goodbye to those it met and waits for
/// their answers: a connection that is closed too early may take along what its other side has not read yet.
class farewells {
 public:
  farewells(packet_room& packets, int rank) : packets_(&packets), rank_(rank) {}

  void resize(std::size_t ranks) {
    met_.assign(ranks, false);
    departed_.assign(ranks, false);
    told_.assign(ranks, false);
  }

  void meet(std::size_t rank) { met_[rank] = true; }

  [[nodiscard]] std::size_t met() const noexcept {
    return static_cast<std::size_t>(std::count(met_.begin(), met_.end(), true));
  }

  /// A goodbye has come; the answer is due.
  void departed(std::size_t rank) {
    if (rank >= departed_.size()) return;
    departed_[rank] = met_[rank] = true;
    due_.push_back(rank);
  }

  /// Has its goodbye come?
  [[nodiscard]] bool has_left(std::size_t rank) const { return departed_[rank]; }

  /// Answers those for whom the provider has room.
  void answer(const std::vector<fi_addr_t>& peers) {
    std::erase_if(due_, [&](std::size_t rank) { return say(rank, peers); });
  }

  /// Says goodbye to everybody; false until all have answered.
  bool all_said(const std::vector<fi_addr_t>& peers) {
    bool done = own_.in_flight == 0;
    for (std::size_t rank = 0; rank < peers.size(); ++rank) {
      if (met_[rank]) done = say(rank, peers) && departed_[rank] && done;
    }
    return done;
  }

 private:
  bool say(std::size_t rank, const std::vector<fi_addr_t>& peers) {
    wire_header h;
    h.what = kind::goodbye;
    h.from = static_cast<std::uint32_t>(rank_);
    if (!told_[rank]) told_[rank] = packets_->post(own_, peers[rank], h, {}, true);
    return told_[rank];
  }

  packet_room* packets_;
  int rank_;
  std::vector<bool> met_{}, departed_{}, told_{};
  std::vector<std::size_t> due_{};
  failure_state no_failure_{};
  rail_group own_{0, 0, {}, no_failure_};  ///< counts goodbyes under way
};

}  // namespace mics::libfabric
