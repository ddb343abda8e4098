#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <nccl.h>

#include <mics/transport/nccl/group/failure.hpp>
#include <mics/transport/nccl/group/journal.hpp>
#include <mics/transport/nccl/native/abort.hpp>

namespace mics::nccl {

class member;

/// A rank's world and what was split off from it: groups that share a device, its streams and often each other's fate,
/// for what waits in one of them in vain holds up whatever is enqueued behind it. So a wait watches all of them, and
/// who gives up ends all of them. Several threads may use them, each another group, and end them at any time.
class family {
 public:
  explicit family(int device) : journal_(device) {}

  [[nodiscard]] const std::shared_ptr<failure_state>& failure() const noexcept { return failure_; }
  [[nodiscard]] nccl::journal& journal() noexcept { return journal_; }

  /// One of its communicators is the caller's.
  void note_adopted() noexcept { adopted_.store(true); }
  [[nodiscard]] bool has_adopted() const noexcept { return adopted_.load(); }

  void join(member& m) {
    const std::lock_guard lock(mutex_);
    members_.push_back(&m);
  }
  /// From here on nobody else touches the member.
  void leave(member& m) {
    const std::lock_guard lock(mutex_);
    std::erase(members_, &m);
    journal_.forget(m);
  }

  /// While it is held no member goes, and no communicator of theirs.
  [[nodiscard]] std::unique_lock<std::mutex> hold() const { return std::unique_lock(mutex_); }
  /// The members, for who holds them.
  [[nodiscard]] const std::vector<member*>& members() const noexcept { return members_; }

  /// A thread is about to call NCCL in a member: who aborts the family waits until it leave_nccl()s, though not for
  /// long. False: they have been aborted, so it must not.
  [[nodiscard]] bool enter_nccl() noexcept {
    calls_.fetch_add(1);
    if (!ending_.load()) return true;
    calls_.fetch_sub(1);
    return false;
  }
  void leave_nccl() noexcept { calls_.fetch_sub(1); }

  /// Aborts what `surrender(member, communicators)` gives up of each member, all as one: they are told to end before
  /// one is waited for, whose work may be queued behind another's. Calls of NCCL that are under way in other threads
  /// are given a moment to return: one that waits for a rank that never comes is ended by this only. `waiting_calls`
  /// are known to be such. Returns when all are gone, whoever ended them, but for what graphs keep: see end_soon().
  template <class Surrender> void abort(int waiting_calls, Surrender surrender) noexcept {
    const std::lock_guard one_at_a_time(aborting_);
    ending_.store(true);
    using std::chrono::steady_clock;
    const auto end = steady_clock::now() + std::chrono::seconds(1);
    while (calls_.load() > waiting_calls && steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    std::vector<ncclComm_t> communicators;
    {
      const auto held = hold();
      for (member* const m : members_) surrender(*m, communicators);
    }
    if (!communicators.empty()) end_soon(communicators);
  }

 private:
  /// Returns when they have ended, or after some seconds: NCCL waits until the last CUDA graph that was captured with a
  /// communicator is destroyed, and its owner may be who is to be told of all this.
  static void end_soon(const std::vector<ncclComm_t>& communicators) noexcept try {
    std::promise<void> told;
    const std::future<void> ended = told.get_future();
    std::thread([communicators, told = std::move(told)]() mutable {
      abort_together(communicators);
      told.set_value();
    }).detach();
    ended.wait_for(std::chrono::seconds(5));
  } catch (const std::system_error&) {  // no thread
    abort_together(communicators);
  }

  std::shared_ptr<failure_state> failure_ = std::make_shared<failure_state>();
  nccl::journal journal_;
  mutable std::mutex mutex_{};
  std::vector<member*> members_{};
  std::mutex aborting_{};
  std::atomic<bool> ending_{false};
  std::atomic<bool> adopted_{false};
  std::atomic<int> calls_{0};
};

/// While one lives, its thread calls NCCL in these groups (each a member* or a launch, see group_of()).
/// Throws aborted_error when they have been ended.
template <class Groups> class native_calls {
 public:
  explicit native_calls(const Groups& groups) : groups_(&groups) {
    for (const auto& group : groups) {
      auto& m = group_of(group);
      if (!m.family().enter_nccl()) {
        leave();
        m.throw_failure();
      }
      ++entered_;
    }
  }
  ~native_calls() { leave(); }
  native_calls(const native_calls&) = delete;
  native_calls& operator=(const native_calls&) = delete;

 private:
  void leave() noexcept {
    for (const auto& group : *groups_) {
      if (entered_-- <= 0) return;
      group_of(group).family().leave_nccl();
    }
  }

  const Groups* groups_;
  int entered_ = 0;
};

}  // namespace mics::nccl
