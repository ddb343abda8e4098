#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/native/event.hpp>
#include <mics/types.hpp>

namespace mics::nccl {

class member;

/// The last operations of a family of groups, in the order in which they were enqueued: who waits in vain can say for
/// which one of which group. Threads may note and ask at the same time.
///
/// A mark in a stream costs host and GPU more than a small operation can spare, so only some have one behind them:
/// every few of a stream, and those that are followed there by another group's or by an event of the caller's.
class journal {
 public:
  struct operation_of {
    const member* group = nullptr;  ///< null: the group is gone, and its operations have ended
    operation what{};
    std::uint64_t sequence = 0;  ///< from 1, in its group
  };

  explicit journal(int device) : device_(device) {}

  /// Before an operation is enqueued, not captured: what another group has enqueued in this stream is marked off.
  void begin(const member& group, cudaStream_t stream) {
    if (newest_.load(std::memory_order_relaxed) == name_of(&group, stream)) return;  // as nearly always
    const std::lock_guard lock(mutex_);
    entry* const last = last_in(stream);
    if (last != nullptr && last->its.group != &group) mark_off(*last);
  }
  /// The same where the caller puts streams in order.
  void mark_off(cudaStream_t stream) {
    const std::lock_guard lock(mutex_);
    if (entry* const last = last_in(stream)) mark_off(*last);
  }

  /// Notes an operation that has just been enqueued.
  void add(const operation_of& its, cudaStream_t stream, bool captured) {
    const std::lock_guard lock(mutex_);
    const entry* const last = last_in(stream);
    const int unmarked = last == nullptr || last->marked ? 0 : last->unmarked + 1;
    entry& e = at(written() + 1);
    if (written() >= kept) make_room(e);
    e.number = written() + 1;
    e.its = its;
    e.stream = stream;
    e.captured = captured;
    e.ended = e.marked = false;
    e.unmarked = unmarked;
    if (!captured && unmarked + 1 >= operations_a_mark) mark(e);
    newest_.store(name_of(its.group, stream), std::memory_order_relaxed);
    written_.fetch_add(1, std::memory_order_release);
  }

  /// How many have been noted so far; what this says before a stream is seen to be idle is what ended() may be told.
  [[nodiscard]] std::uint64_t written() const noexcept { return written_.load(std::memory_order_acquire); }

  /// The host has seen that all of a stream has ended which was noted up to a moment.
  void ended(cudaStream_t stream, std::uint64_t up_to) {
    const std::lock_guard lock(mutex_);
    for (std::uint64_t i = up_to; i > last_settled(); --i) {
      if (at(i).stream == stream) at(i).ended = true;
    }
    std::erase_if(overdue_, [&](const entry& e) { return e.stream == stream && e.number <= up_to; });
    all_ended_ = last_settled();
    while (all_ended_ < written() && at(all_ended_ + 1).ended) ++all_ended_;
  }

  /// The group is about to go.
  void forget(const member& group) {
    const std::lock_guard lock(mutex_);
    for (entry& e : entries_) {
      if (e.its.group == &group) e.its.group = nullptr;
    }
    std::erase_if(overdue_, [&](const entry& e) { return e.its.group == &group; });
    newest_.store(0, std::memory_order_relaxed);
  }

  /// The oldest operation in a stream of which nobody knows that it has ended; none there: the oldest in any, which
  /// what is in the stream may wait for.
  [[nodiscard]] std::optional<operation_of> first_pending(cudaStream_t stream) const {
    std::optional<operation_of> in_stream, in_any;
    for_each_pending([&](const entry& e) {
      in_any = e.its;
      if (e.stream == stream) in_stream = e.its;
    });
    return in_stream ? in_stream : in_any;
  }
  /// The oldest of a group.
  [[nodiscard]] std::optional<operation_of> first_pending_of(const member& group) const {
    std::optional<operation_of> found;
    for_each_pending([&](const entry& e) {
      if (e.its.group == &group) found = e.its;
    });
    return found;
  }

 private:
  struct alignas(64) entry {   // a cache line: a call touches its own and the last one of its stream
    std::uint64_t number = 0;  ///< from 1
    operation_of its{};
    cudaStream_t stream = nullptr;
    event mark{};
    int unmarked = 0;  ///< how many before it in its stream have no mark behind them
    bool captured = false;
    bool ended = false;   ///< it was seen to
    bool marked = false;  ///< with its mark
  };
  static_assert(sizeof(entry) == 64);

  static constexpr std::size_t kept = 1024;  // about as many launches as a stream takes before the host waits
  static constexpr int operations_a_mark = 8;

  /// A group in a stream, in one number.
  static std::uint64_t name_of(const member* group, cudaStream_t stream) noexcept {
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(group)) ^
           std::rotl(static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(stream)), 32);
  }

  [[nodiscard]] std::uint64_t oldest() const noexcept { return written() < kept ? 0 : written() - kept; }
  /// Behind this one are those of which it is not sure that they have ended.
  [[nodiscard]] std::uint64_t last_settled() const noexcept { return std::max(oldest(), all_ended_); }
  [[nodiscard]] const entry& at(std::uint64_t number) const noexcept { return entries_[number % kept]; }
  [[nodiscard]] entry& at(std::uint64_t number) noexcept { return entries_[number % kept]; }

  /// An operation leaves the last ones before it was seen to end: the oldest such of each stream is kept, until another
  /// one behind it there was.
  void make_room(const entry& e) {
    if (e.number <= all_ended_ || e.its.group == nullptr || e.captured) return;
    const auto kept_in_stream =
        std::find_if(overdue_.begin(), overdue_.end(), [&](const entry& other) { return other.stream == e.stream; });
    if (e.ended || (e.marked && e.mark.passed())) {
      if (kept_in_stream != overdue_.end()) overdue_.erase(kept_in_stream);
    } else if (kept_in_stream == overdue_.end()) {
      overdue_.push_back(e);
      overdue_.back().marked = false;  // the mark will be another one's
    }
  }

  [[nodiscard]] entry* last_in(cudaStream_t stream) noexcept {
    for (std::uint64_t i = written(); i > last_settled(); --i) {
      if (at(i).stream == stream) return &at(i);
    }
    return nullptr;
  }

  void mark_off(entry& e) const {
    if (!e.marked && !e.captured) mark(e);
  }
  void mark(entry& e) const {
    if (!e.mark.exists()) {
      const device_scope current(device_);
      e.mark = event::make();
    }
    const stream_scope meant(e.stream, device_);
    e.mark.record(e.stream);
    e.marked = true;
  }

  /// Calls f(entry) for each that may not have ended, from the youngest to the oldest. The operations of one stream end
  /// in order, and so do those of one group, as NCCL has it.
  template <class F> void for_each_pending(F f) const {
    const std::lock_guard lock(mutex_);
    std::vector<cudaStream_t> streams;  // all before in these have ended
    std::vector<const member*> groups;  // likewise
    const auto has = [](const auto& known, const auto& one) {
      return std::find(known.begin(), known.end(), one) != known.end();
    };
    const auto look_at = [&](const entry& e) {
      const bool gone = e.its.group == nullptr || e.ended || (e.marked && e.mark.passed());
      if (!gone && !has(streams, e.stream) && !has(groups, e.its.group)) {
        return f(e);
      }
      if (e.captured) return;  // it says nothing of those that run
      if (!has(streams, e.stream)) streams.push_back(e.stream);
      if (!has(groups, e.its.group)) groups.push_back(e.its.group);
    };
    for (std::uint64_t i = written(); i > last_settled(); --i) look_at(at(i));
    std::vector<entry> older = overdue_;
    std::sort(older.begin(), older.end(), [](const entry& a, const entry& b) { return a.number > b.number; });
    for (const entry& e : older) look_at(e);
  }

  int device_;
  mutable std::mutex mutex_{};
  std::array<entry, kept> entries_{};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> newest_{0};  ///< the name of the last operation's group in its stream
  std::vector<entry> overdue_{};
  std::uint64_t all_ended_ = 0;  ///< all up to this one
};

}  // namespace mics::nccl
