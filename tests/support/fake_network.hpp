#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <mics/schedule/program.hpp>

#include "random.hpp"

namespace mics::test {

/// When the bytes of a message leave the memory of their sender.
enum class handing { lent, copied, placed };

struct network_options {
  int ranks = 2;
  std::size_t depth = 8;  ///< messages under way from one rank to another in one lane
  handing how = handing::lent;
  std::uint64_t seed = 0;
};

/// The message queues of a group, in memory and in one thread. Deliveries are late by random times, so messages of
/// different peers overtake each other; calls say "not yet" at random. It throws std::logic_error when a rank takes
/// another message than was sent, or changes bytes that it has lent.
class fake_network {
 public:
  explicit fake_network(const network_options& options)
      : options_(options),
        dice_(options.seed),
        queues_(static_cast<std::size_t>(options.ranks * options.ranks) * schedule::lanes),
        lent_(static_cast<std::size_t>(options.ranks)) {}

  [[nodiscard]] dice& random() noexcept { return dice_; }
  void tick() noexcept { ++now_; }

  /// While calm, everything that was sent has arrived, and nothing is refused without need.
  void set_calm(bool calm) noexcept { calm_ = calm; }
  [[nodiscard]] bool calm() const noexcept { return calm_; }

  bool try_send(int from, int to, schedule::lane l, std::span<const std::byte> bytes) {
    if (hesitates()) return false;
    queue& q = at(from, to, l);
    if (q.messages.size() >= options_.depth) return false;
    message m{bytes, {}, hash(bytes), std::max(q.last_arrival, now_ + dice_.roll(12)), {}};
    q.last_arrival = m.arrives;
    if (options_.how == handing::copied) {
      m.copy.assign(bytes.begin(), bytes.end());
      m.content = m.copy;
    } else {
      ++lent_[static_cast<std::size_t>(from)];
    }
    q.messages.push_back(std::move(m));
    if (dice_.one_in(2)) place(from, to, l);
    return true;
  }

  const std::byte* arrival(int from, int to, schedule::lane l, std::size_t bytes) {
    queue& q = at(from, to, l);
    if (q.messages.empty() || hesitates()) return nullptr;
    if (!calm_ && q.messages.front().arrives > now_) return nullptr;
    place(from, to, l);
    message& m = q.messages.front();
    if (m.content.size() != bytes) {
      refuse(from, to, l, "brings " + std::to_string(m.content.size()) + " bytes, not " + std::to_string(bytes));
    }
    if (options_.how == handing::placed) {
      if (!m.placed) return nullptr;
      if (!m.placed->empty()) return m.placed->data();
    }
    if (hash(m.content) != m.hash) refuse(from, to, l, "was changed after it had been sent");
    return m.content.data();
  }

  void release(int from, int to, schedule::lane l) {
    queue& q = at(from, to, l);
    const message& m = q.messages.front();
    if (hash(placed_in_memory(m) ? *m.placed : m.content) != m.hash)
      refuse(from, to, l, "was changed while it was read");
    if (options_.how != handing::copied && !placed_in_memory(m)) --lent_[static_cast<std::size_t>(from)];
    q.messages.pop_front();
  }

  [[nodiscard]] bool sends_read(int rank) const noexcept { return lent_[static_cast<std::size_t>(rank)] == 0; }

  /// Where the next message of `from` that nobody has expected yet is to go; empty: it will be folded.
  bool expect(int from, int to, schedule::lane l, std::span<std::byte> into, std::size_t bytes) {
    queue& q = at(from, to, l);
    if (q.expected.size() >= options_.depth || hesitates()) return false;
    q.expected.push_back({into, bytes});
    if (!into.empty()) placements_[static_cast<std::size_t>(to)].push_back(into);
    if (dice_.one_in(2)) place(from, to, l);
    return true;
  }

  /// All memory of a rank into which messages were placed directly.
  [[nodiscard]] const std::vector<std::span<std::byte>>& placements(int rank) const {
    return placements_[static_cast<std::size_t>(rank)];
  }

  /// Nothing under way, nothing expected.
  [[nodiscard]] bool idle() const noexcept {
    return std::all_of(queues_.begin(), queues_.end(),
                       [](const queue& q) { return q.messages.empty() && q.expected.empty(); });
  }

 private:
  struct message {
    std::span<const std::byte> content;
    std::vector<std::byte> copy;
    std::uint64_t hash = 0;
    std::uint64_t arrives = 0;
    std::optional<std::span<std::byte>> placed{};  ///< once it was expected
  };
  struct expectation {
    std::span<std::byte> into;
    std::size_t bytes = 0;
  };
  struct queue {
    std::deque<message> messages{};
    std::deque<expectation> expected{};
    std::uint64_t last_arrival = 0;
  };

  queue& at(int from, int to, schedule::lane l) {
    return queues_[static_cast<std::size_t>(from * options_.ranks + to) * schedule::lanes + index_of(l)];
  }

  bool hesitates() noexcept { return !calm_ && dice_.one_in(4); }

  static bool placed_in_memory(const message& m) noexcept { return m.placed && !m.placed->empty(); }

  /// Moves messages that are expected to where they belong, as early as possible.
  void place(int from, int to, schedule::lane l) {
    queue& q = at(from, to, l);
    for (message& m : q.messages) {
      if (m.placed) continue;
      if (q.expected.empty()) return;
      const expectation e = q.expected.front();
      q.expected.pop_front();
      if (e.bytes != m.content.size()) refuse(from, to, l, "is not as long as it was expected to be");
      if (hash(m.content) != m.hash) refuse(from, to, l, "was changed before it was placed");
      m.placed = e.into;
      if (e.into.empty()) continue;
      std::copy(m.content.begin(), m.content.end(), e.into.begin());
      --lent_[static_cast<std::size_t>(from)];
    }
  }

  static std::uint64_t hash(std::span<const std::byte> bytes) noexcept {
    std::uint64_t h = bytes.size();
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(h)) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, std::min(sizeof(word), bytes.size() - i));
      h = spread(h ^ word);
    }
    return h;
  }

  [[noreturn]] static void refuse(int from, int to, schedule::lane l, const std::string& what) {
    throw std::logic_error("a message from " + std::to_string(from) + " to " + std::to_string(to) + " in the " +
                           (l == schedule::lane::rail ? "rail" : "node") + " lane " + what);
  }

  network_options options_;
  dice dice_;
  std::uint64_t now_ = 0;
  bool calm_ = false;
  std::vector<queue> queues_;
  std::vector<std::size_t> lent_;  ///< messages of each rank whose memory must not change yet
  std::vector<std::vector<std::span<std::byte>>> placements_ =
      std::vector<std::vector<std::span<std::byte>>>(static_cast<std::size_t>(options_.ranks));
};

/// One rank's end of a fake network: satisfies schedule::port.
class fake_port {
 public:
  fake_port(fake_network& network, int rank) : network_(&network), rank_(rank) {}

  bool try_send(int peer, schedule::lane l, std::span<const std::byte> bytes) {
    return network_->try_send(rank_, peer, l, bytes);
  }
  const std::byte* arrival(int peer, schedule::lane l, std::size_t bytes) {
    return network_->arrival(peer, rank_, l, bytes);
  }
  void release(int peer, schedule::lane l) { network_->release(peer, rank_, l); }
  bool sends_read() const noexcept { return network_->sends_read(rank_); }
  static int world_rank(int peer) noexcept { return peer; }

 protected:
  fake_network* network_;
  int rank_;
};

/// The same with direct placement: satisfies schedule::placing_port.
class fake_placing_port : public fake_port {
 public:
  using fake_port::fake_port;
  bool expect(int peer, schedule::lane l, std::span<std::byte> into, std::size_t bytes) {
    return network_->expect(peer, rank_, l, into, bytes);
  }
};

}  // namespace mics::test
