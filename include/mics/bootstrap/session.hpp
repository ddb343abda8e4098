#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <mics/bootstrap/detail/deadline.hpp>
#include <mics/bootstrap/detail/operation.hpp>
#include <mics/bootstrap/detail/seat.hpp>
#include <mics/bootstrap/detail/switchboard.hpp>
#include <mics/bootstrap/node_layout.hpp>
#include <mics/bootstrap/rank_failure.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap {

/// What can be sent as it lies in memory. (Texts and vectors go as bytes; addresses mean nothing to others.)
template <class T>
concept plain_value = std::is_trivially_copyable_v<T> && std::default_initializable<T> && !std::is_pointer_v<T> &&
                      !std::convertible_to<const T&, std::span<const std::byte>>;

/// The ranks of a job, found by rendezvous(): small exchanges between them, and word of a rank that died.
/// - Every rank holds one TCP connection to rank 0, rank 0 one to every other rank. A thread of the session watches
///   them: the death of a process is seen by all ranks at once, that of a host without a word after about 15 s.
/// - Operations are called by all ranks in the same order. They block until all have called them, at most for
///   `timeout` (0: the session's), and throw timeout_error that names who did not come, aborted_error when a rank has
///   failed or closed its session, usage_error when the ranks call different operations. After a timeout_error or an
///   aborted_error no operation is possible any more. Several threads of a rank may call; one waits for the other.
/// - A value has at most 1 MiB: this is for addresses and keys, not for data.
/// - Rank 0 should close last: without it the others have neither operations nor word of failures.
/// - A process that forks gives its child a copy of the connections: as long as such a child lives, the death of the
///   parent is not seen. Children that exec another program are no problem.
class session {
 public:
  session(session&&) noexcept = default;
  session& operator=(session&&) noexcept = default;
  /// Closes in order; left by an exception, it tells all ranks that this one has failed.
  ~session() {
    if (board_ && std::uncaught_exceptions() > exceptions_) board_->unwind();
  }

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return size_; }

  [[nodiscard]] const node_layout& layout() const noexcept { return layout_; }
  /// The node of each rank.
  [[nodiscard]] const std::vector<int>& node_of() const noexcept { return layout_.node_of(); }
  /// For mics::topology; throws topology_error when the ranks of a node are not consecutive.
  [[nodiscard]] const std::vector<int>& ranks_per_node() const { return layout_.ranks_per_node(); }
  /// This rank's index in its node. (To choose a device, take environment::local_rank: one host may play several
  /// nodes.)
  [[nodiscard]] int local_rank() const { return layout_.local_rank(rank_); }

  /// Every rank's bytes, in the order of ranks; they may differ in length.
  [[nodiscard]] std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> value,
                                                               std::chrono::milliseconds timeout = {}) {
    const detail::bytes joined = perform(detail::operation::all_gather, 0, value, timeout);
    detail::reader in(joined);
    std::vector<std::vector<std::byte>> all;
    for (int rank = 0; rank < size_; ++rank) {
      const auto one = in.block();
      all.emplace_back(one.begin(), one.end());
    }
    if (!in.complete()) throw transport_error("rank 0 sent a malformed result of an all_gather", {.rank = rank_});
    return all;
  }

  /// Every rank's value, in the order of ranks; the same type on every rank.
  template <plain_value T>
  [[nodiscard]] std::vector<T> all_gather(const T& value, std::chrono::milliseconds timeout = {}) {
    std::vector<T> all;
    for (const auto& one : all_gather(std::as_bytes(std::span(&value, 1)), timeout)) {
      all.push_back(value_of<T>(one, static_cast<int>(all.size())));
    }
    return all;
  }

  /// The root's bytes, on every rank; what the others give is not looked at.
  [[nodiscard]] std::vector<std::byte> broadcast(std::span<const std::byte> value, int root = 0,
                                                 std::chrono::milliseconds timeout = {}) {
    if (root < 0 || root >= size_) {
      throw usage_error("root " + std::to_string(root) + " is not a rank; allowed: 0 to " + std::to_string(size_ - 1),
                        {.rank = rank_, .operation = "broadcast"});
    }
    return perform(detail::operation::broadcast, root, rank_ == root ? value : std::span<const std::byte>{}, timeout);
  }

  /// The root's value, on every rank; the same type on every rank.
  template <plain_value T>
  [[nodiscard]] T broadcast(const T& value, int root = 0, std::chrono::milliseconds timeout = {}) {
    return value_of<T>(broadcast(std::as_bytes(std::span(&value, 1)), root, timeout), root);
  }

  /// Returns when every rank has called it.
  void barrier(std::chrono::milliseconds timeout = {}) { perform(detail::operation::barrier, 0, {}, timeout); }

  /// The first rank that failed, as far as this rank knows; none while all live. To close a session is no failure.
  [[nodiscard]] std::optional<rank_failure> failure() const { return board().failure(); }

  /// Calls `hook` once when a rank fails, in the session's thread; here and now when one has failed already.
  /// It must be callable until the session is closed, return soon, throw nothing, and not close the session.
  void on_failure(std::function<void(int rank, const std::string& why)> hook) { board().on_failure(std::move(hook)); }

  /// Tells all ranks, this one too, that this one has failed: their operations throw aborted_error, their hooks are
  /// called. Without effect after close(), and after another failure.
  void abort(const std::string& why) { board().abort(why); }

  /// Leaves in order. Nothing but rank(), size(), the layout and failure() may be called afterwards.
  void close() { board().close(); }

  /// What rendezvous() calls.
  session(int rank, detail::meeting met, std::chrono::milliseconds timeout)
      : rank_(rank),
        size_(static_cast<int>(met.node_of.size())),
        timeout_(detail::checked_timeout(timeout)),
        layout_(std::move(met.node_of)),
        board_(std::make_unique<detail::switchboard>(rank_, size_, std::move(met.seats))) {}

 private:
  [[nodiscard]] detail::switchboard& board() const {
    if (!board_) throw usage_error("this session was moved from", {.rank = rank_});
    return *board_;
  }

  detail::bytes perform(detail::operation what, int root, std::span<const std::byte> value,
                        std::chrono::milliseconds timeout) {
    if (value.size() > detail::largest_value) {
      throw usage_error("a value of " + std::to_string(value.size()) + " bytes; allowed: up to " +
                            std::to_string(detail::largest_value),
                        {.rank = rank_, .group = "bootstrap", .operation = detail::name_of(what)});
    }
    return board().perform(what, root, value, timeout.count() == 0 ? timeout_ : detail::checked_timeout(timeout));
  }

  template <plain_value T> [[nodiscard]] T value_of(const std::vector<std::byte>& from, int giver) const {
    if (from.size() != sizeof(T)) {
      throw usage_error("rank " + std::to_string(giver) + " gave a value of " + std::to_string(from.size()) +
                            " bytes, this rank's has " + std::to_string(sizeof(T)) +
                            "; allowed: the same type on every rank",
                        {.rank = rank_});
    }
    T value{};
    std::memcpy(&value, from.data(), sizeof value);
    return value;
  }

  int rank_;
  int size_;
  std::chrono::milliseconds timeout_;
  node_layout layout_;
  int exceptions_ = std::uncaught_exceptions();
  std::unique_ptr<detail::switchboard> board_;
};

}  // namespace mics::bootstrap
