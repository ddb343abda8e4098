#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>

#include <mics/bootstrap/detail/deadline.hpp>
#include <mics/bootstrap/detail/handshake.hpp>
#include <mics/bootstrap/detail/link.hpp>
#include <mics/bootstrap/detail/seat.hpp>
#include <mics/bootstrap/detail/words.hpp>
#include <mics/bootstrap/listener.hpp>
#include <mics/bootstrap/node_layout.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap::detail {

/// Rank 0's side of the rendezvous: takes connections until every rank has proved who it is. All connections are
/// served side by side, so none that is slow, silent or rude holds up the others.
class server {
 public:
  server(const listener& door, int world_size, const siphash_key& key, std::string own_node, time_point end)
      : door_(door),
        key_(key),
        end_(end),
        seated_(static_cast<std::size_t>(world_size), nullptr),
        nodes_(static_cast<std::size_t>(world_size)) {
    nodes_[0] = std::move(own_node);
  }

  /// Returns when all have come. Throws timeout_error that names the missing ranks, after telling the others.
  [[nodiscard]] meeting gather() {
    while (!missing().empty()) {
      if (clock::now() >= end_) give_up();
      wait();
      admit();
      for (const auto& one : guests_) serve(*one);
      std::erase_if(guests_, [](const auto& one) { return one->connection.ended(); });
    }
    return open_session();
  }

 private:
  /// A connection, known or not.
  struct guest {
    link connection;
    nonce challenge;
    time_point until;  ///< a stranger must have said who it is by then
    int rank = -1;     ///< -1: a stranger
    bool refused = false;
  };
  static constexpr std::chrono::seconds greeting_time{10};
  static constexpr std::size_t most_strangers = 256;

  [[nodiscard]] std::vector<int> missing() const {
    std::vector<int> ranks;
    for (std::size_t rank = 1; rank < seated_.size(); ++rank) {
      if (seated_[rank] == nullptr) ranks.push_back(static_cast<int>(rank));
    }
    return ranks;
  }

  void wait() {
    std::vector<pollfd> looked_at{{door_.native(), POLLIN, 0}};
    time_point next = end_;
    for (const auto& one : guests_) {
      looked_at.push_back(one->connection.interest());
      if (one->rank < 0) next = std::min(next, one->until);
    }
    if (::poll(looked_at.data(), looked_at.size(), poll_milliseconds(next)) < 0 && errno != EINTR) {
      throw_system("waiting for the other ranks failed");
    }
  }

  void admit() {
    while (descriptor taken = door_.accept()) {
      auto one = std::make_unique<guest>(
          guest{link(std::move(taken), largest_greeting), fresh_nonce(), clock::now() + greeting_time});
      one->connection.post(message::challenge, one->challenge);
      guests_.push_back(std::move(one));
      const auto stranger = [](const auto& any) { return any->rank < 0; };
      if (std::count_if(guests_.begin(), guests_.end(), stranger) > static_cast<std::ptrdiff_t>(most_strangers)) {
        guests_.erase(std::find_if(guests_.begin(), guests_.end(), stranger));
      }
    }
  }

  void serve(guest& one) {
    one.connection.write();
    one.connection.read();
    while (const std::optional<frame> said = one.connection.next()) {
      if (one.refused) continue;
      const std::optional<hello> greeting = said->kind == message::hello ? read_hello(said->body) : std::nullopt;
      if (one.rank >= 0 || !greeting) {
        one.connection.end("it sent a message that does not belong there");
      } else {
        judge(one, *greeting);
      }
    }
    one.connection.write();
    if (one.refused && one.connection.flushed()) one.connection.end("refused");
    if (one.rank < 0 && clock::now() >= one.until) one.connection.end("it did not say who it is");
    if (one.rank >= 0 && one.connection.ended()) seated_[static_cast<std::size_t>(one.rank)] = nullptr;  // gone again
  }

  void judge(guest& one, const hello& greeting) {
    const introduction& who = greeting.who;
    const int world = static_cast<int>(seated_.size());
    if (greeting.proof != proof_of(key_, who, one.challenge)) {
      refuse(one, "a process that says it is rank " + std::to_string(who.rank) +
                      " does not know the secret of this job; allowed: the same MICS_JOB_SECRET on every rank or, "
                      "without one, the same job id, MASTER_ADDR and MASTER_PORT");
    } else if (who.version != own_version()) {
      refuse(one, "rank " + std::to_string(who.rank) + " runs mics " + who.version + ", rank 0 runs " + own_version() +
                      "; allowed: the same version on every rank");
    } else if (who.world_size != world) {
      refuse(one, "rank " + std::to_string(who.rank) + " says that the world has " + std::to_string(who.world_size) +
                      " ranks, rank 0 says " + std::to_string(world) + "; allowed: the same number on every rank");
    } else if (who.rank < 1 || who.rank >= world) {
      refuse(one, "a process says it is rank " + std::to_string(who.rank) +
                      (who.rank == 0 ? ", which is taken; allowed: 1 to " : "; allowed: 1 to ") +
                      std::to_string(world - 1));
    } else if (seated_[static_cast<std::size_t>(who.rank)] != nullptr) {
      refuse(one, "a second process says it is rank " + std::to_string(who.rank) + "; allowed: every rank from 1 to " +
                      std::to_string(world - 1) + " once");
    } else {
      one.rank = who.rank;
      seated_[static_cast<std::size_t>(who.rank)] = &one;
      nodes_[static_cast<std::size_t>(who.rank)] = who.node;
      const auto patience = static_cast<std::int64_t>(std::min<std::uint64_t>(who.patience_ms, 1'000'000'000));
      end_ = std::min(end_, clock::now() + std::chrono::milliseconds(patience));  // who gives up first, ends it for all
      one.connection.post(message::accepted, writer().number(proof_of_rank_0(key_, who, one.challenge)).view());
    }
  }

  void refuse(guest& one, const std::string& why) {
    one.refused = true;
    one.connection.post(message::refused, writer().number(static_cast<std::uint8_t>(refusal::usage)).text(why).view());
    last_refused_ = why;
  }

  [[noreturn]] void give_up() {
    const std::vector<int> absent = missing();
    const std::string why = list_of_ranks(absent) + (absent.size() == 1 ? " has" : " have") +
                            " not come to the rendezvous in time; rank 0 waited for " +
                            std::to_string(seated_.size() - 1) + " ranks, " +
                            std::to_string(seated_.size() - 1 - absent.size()) + " came" +
                            (last_refused_.empty() ? "" : "; the last one refused: " + last_refused_);
    for (guest* one : seated_) {
      if (one == nullptr) continue;
      one->connection.post(message::refused,
                           writer().number(static_cast<std::uint8_t>(refusal::timeout)).text(why).view());
      one->connection.write();
    }
    throw timeout_error(why, {.rank = 0, .stage = "rendezvous"});
  }

  [[nodiscard]] meeting open_session() {
    meeting made{node_layout::of(nodes_).node_of()};
    writer layout;
    for (const int node : made.node_of) layout.rank(node);
    const packet told = pack(message::layout, layout.view());
    for (guest* one : seated_) {
      if (one == nullptr) continue;
      one->connection.post(told);
      one->connection.limit(largest_contribution);
      made.seats.push_back({one->rank, std::move(one->connection)});
    }
    return made;
  }

  const listener& door_;
  const siphash_key key_;
  time_point end_;
  std::vector<std::unique_ptr<guest>> guests_{};
  std::vector<guest*> seated_;  ///< of each rank; none: it has not come
  std::vector<std::string> nodes_;
  std::string last_refused_{};
};

}  // namespace mics::bootstrap::detail
