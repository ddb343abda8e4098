#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <mics/transport/libfabric/rail/packets.hpp>

namespace mics::libfabric {

/// Who of the world's ranks was met and who has left. A rank that leaves says goodbye to those it met and waits for
/// their answers: a connection that is closed too early may take along what its other side has not read yet.
class farewells {
 public:
  /// `own`: counts goodbyes under way.
  farewells(packet_room& packets, rail_group& own, int rank) : packets_(&packets), own_(&own), rank_(rank) {}

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
    due_.push_back({rank, clock::now() + patience});
  }

  /// Has its goodbye come?
  [[nodiscard]] bool has_left(std::size_t rank) const { return departed_[rank]; }

  /// Answers those for whom the provider has room. One that does not wait for the answer any more cannot be reached.
  void answer(const std::vector<fi_addr_t>& peers) {
    std::erase_if(due_, [&](const answer_due& to) {
      if (!say(to.rank, peers) && clock::now() >= to.until) told_[to.rank] = true;
      return bool(told_[to.rank]);
    });
  }

  /// So long a rank that leaves waits for answers.
  static constexpr std::chrono::seconds patience{2};

  /// Says goodbye to everybody; false until all have answered.
  bool all_said(const std::vector<fi_addr_t>& peers) {
    bool done = own_->in_flight == 0;
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
    if (!told_[rank]) told_[rank] = packets_->post(*own_, peers[rank], h, {}, true);
    return told_[rank];
  }

  using clock = std::chrono::steady_clock;
  struct answer_due {
    std::size_t rank;
    clock::time_point until;
  };

  packet_room* packets_;
  rail_group* own_;
  int rank_;
  std::vector<bool> met_{}, departed_{}, told_{};
  std::vector<answer_due> due_{};
};

}  // namespace mics::libfabric
