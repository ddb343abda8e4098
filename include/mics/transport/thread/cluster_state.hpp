#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <mics/detail/words_of.hpp>
#include <mics/error.hpp>
#include <mics/transport/thread/traffic.hpp>
#include <mics/types.hpp>

namespace mics::thread {

class group_state;

/// What the ranks of a cluster share: where they live, what has moved, which groups exist, and who failed.
class cluster_state {
 public:
  cluster_state(std::vector<int> node_of_rank, int nodes, std::chrono::milliseconds timeout, bool checked)
      : node_of_(std::move(node_of_rank)),
        nodes_(nodes),
        timeout_(timeout),
        checked_(checked),
        crowded_(node_of_.size() > std::thread::hardware_concurrency()),
        moved_(node_of_.size()) {}

  [[nodiscard]] int size() const noexcept { return static_cast<int>(node_of_.size()); }
  [[nodiscard]] int node_of(int rank) const noexcept { return node_of_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] std::chrono::milliseconds timeout() const noexcept { return timeout_; }
  [[nodiscard]] bool checked() const noexcept { return checked_; }
  /// More ranks than cores: who waits should give way at once.
  [[nodiscard]] bool crowded() const noexcept { return crowded_; }

  /// Counts a message, at the rank that received it. Without an operation it is the library's own, kept apart.
  void count(int from, int to, std::optional<operation> known, std::size_t bytes) noexcept {
    counters& c = moved_[static_cast<std::size_t>(to)];
    if (!known) {
      c.control.fetch_add(bytes, std::memory_order_relaxed);
      return;
    }
    const operation what = *known;
    if (node_of(from) == node_of(to)) {
      c.fast.fetch_add(bytes, std::memory_order_relaxed);
      return;
    }
    c.in[static_cast<std::size_t>(what)].fetch_add(bytes, std::memory_order_relaxed);
    moved_[static_cast<std::size_t>(from)].out[static_cast<std::size_t>(what)].fetch_add(bytes,
                                                                                         std::memory_order_relaxed);
  }

  [[nodiscard]] traffic moved() const {
    std::vector<traffic::node_bytes> nodes(static_cast<std::size_t>(nodes_));
    std::uint64_t fast = 0, control = 0;
    for (int rank = 0; rank < size(); ++rank) {
      const counters& c = moved_[static_cast<std::size_t>(rank)];
      traffic::node_bytes& node = nodes[static_cast<std::size_t>(node_of(rank))];
      for (std::size_t op = 0; op < operation_count; ++op) {
        node.in[op] += c.in[op].load(std::memory_order_relaxed);
        node.out[op] += c.out[op].load(std::memory_order_relaxed);
      }
      fast += c.fast.load(std::memory_order_relaxed);
      control += c.control.load(std::memory_order_relaxed);
    }
    return {std::move(nodes), fast, control};
  }

  void reset_moved() noexcept {
    for (counters& c : moved_) {
      for (auto* by_operation : {&c.in, &c.out}) {
        for (auto& bytes : *by_operation) bytes.store(0, std::memory_order_relaxed);
      }
      c.fast.store(0, std::memory_order_relaxed);
      c.control.store(0, std::memory_order_relaxed);
    }
  }

  /// The first failure ends the waits of all ranks. An aborted_error is but the consequence of another rank's failure,
  /// which may be on its way still: it gives way to that.
  void abort(int culprit, std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    const bool first = !failure_;
    if (!first && !(is_consequence(failure_) && !is_consequence(failure))) return;
    failure_ = failure;
    if (!first) return;
    reason_ = is_consequence(failure) ? detail::words_of(failure)
                                      : "rank " + std::to_string(culprit) + " failed: " + detail::words_of(failure);
    aborted_.store(true, std::memory_order_release);
  }
  [[nodiscard]] bool aborted() const noexcept { return aborted_.load(std::memory_order_acquire); }
  /// Only once aborted.
  [[nodiscard]] const std::string& abort_reason() const noexcept { return reason_; }

  /// Forgets the failure of an earlier run.
  void begin_run() {
    const std::lock_guard lock(mutex_);
    aborted_.store(false, std::memory_order_relaxed);
    failure_ = nullptr;
  }

  /// After all ranks have ended: the first failure, if any.
  [[nodiscard]] std::exception_ptr end_run() {
    const std::lock_guard lock(mutex_);
    forming_.clear();  // a rank that failed has not joined; and groups hold this state
    return failure_;
  }

  /// The group that the `split_number`-th split of `parent` makes for one colour, of `size` members. The first of them
  /// creates it, and it is kept until the last one has come: others may have used it and gone by then.
  template <class Make>
  std::shared_ptr<group_state> join(std::uint64_t parent, std::uint64_t split_number, int colour, std::size_t size,
                                    Make make) {
    const std::lock_guard lock(mutex_);
    const auto place = forming_.try_emplace({parent, split_number, colour}, forming{nullptr, size}).first;
    if (!place->second.group) place->second.group = make(++last_group_);
    const std::shared_ptr<group_state> group = place->second.group;
    if (--place->second.missing == 0) forming_.erase(place);
    return group;
  }

 private:
  static bool is_consequence(const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const aborted_error&) {
      return true;
    } catch (...) {
      return false;
    }
  }

  /// A group that some of its members have yet to join.
  struct forming {
    std::shared_ptr<group_state> group;
    std::size_t missing;
  };

  struct alignas(64) counters {
    std::array<std::atomic<std::uint64_t>, operation_count> in{};
    std::array<std::atomic<std::uint64_t>, operation_count> out{};
    std::atomic<std::uint64_t> fast{0};
    std::atomic<std::uint64_t> control{0};
  };

  std::vector<int> node_of_;
  int nodes_;
  std::chrono::milliseconds timeout_;
  bool checked_;
  bool crowded_;
  std::vector<counters> moved_;

  std::mutex mutex_{};
  std::atomic<bool> aborted_{false};
  std::string reason_{};  ///< written before aborted_, read after it
  std::exception_ptr failure_{};
  std::map<std::tuple<std::uint64_t, std::uint64_t, int>, forming> forming_{};
  std::uint64_t last_group_ = 0;
};

}  // namespace mics::thread
