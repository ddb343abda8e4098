#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <mics/detail/patience.hpp>
#include <mics/error.hpp>
#include <mics/transport/nccl/group/family.hpp>
#include <mics/transport/nccl/group/member.hpp>

namespace mics::nccl {

/// While one lives, calls of NCCL that wait on the host for other ranks have a deadline: to connect ranks at the first
/// use of an operation, and to split, NCCL waits without one. At the deadline, or when a group is declared failed, a
/// thread of the watch aborts the groups' families, which lets such a call return with an error. (An adopted
/// communicator is its owner's to abort.)
class host_watch {
 public:
  /// `where`: what the calls are a part of.
  host_watch(std::vector<member*> groups, std::chrono::milliseconds timeout, error_context where)
      : timeout_(std::min(timeout, mics::detail::longest_timeout)),
        where_(std::move(where)),
        late_("no end after " + std::to_string(timeout.count()) + " ms", where_),
        groups_(std::move(groups)),
        thread_([this](const std::stop_token& stop) { watch(stop); }) {}

  /// The calls have returned. Throws timeout_error if the deadline came first, aborted_error if a failure did: then the
  /// groups are aborted, and whatever NCCL says of it is of no interest.
  void finish() {
    if (came_first(outcome::done)) return;
    thread_.join();
    if (outcome_.load() == outcome::late) throw timeout_error(late_);
    throw aborted_error(groups_.front()->failure()->why(), where_);
  }

 private:
  enum class outcome { open, done, late, failed };

  /// Several may happen at the same moment, but only one is first.
  [[nodiscard]] bool came_first(outcome what) noexcept {
    outcome open = outcome::open;
    return outcome_.compare_exchange_strong(open, what);
  }

  void watch(const std::stop_token& stop) {
    const outcome end = await_end(stop);
    if (end == outcome::done || !came_first(end)) return;
    for (member* const group : groups_) {
      if (end == outcome::late) group->failure()->set(late_.what());
      // Its own thread's calls, one a group, are what waits.
      const auto same = [&](const member* other) { return &other->family() == &group->family(); };
      group->abort(static_cast<int>(std::count_if(groups_.begin(), groups_.end(), same)));
    }
  }

  [[nodiscard]] outcome await_end(const std::stop_token& stop) {
    using std::chrono::steady_clock;
    const auto deadline = steady_clock::now() + timeout_;
    const auto failed = [](const member* group) { return group->failure()->is_set(); };
    std::unique_lock lock(mutex_);
    std::condition_variable_any stopped;
    while (true) {
      const auto next_look = std::min(deadline, steady_clock::now() + std::chrono::milliseconds(10));
      stopped.wait_until(lock, stop, next_look, [] { return false; });
      if (stop.stop_requested()) return outcome::done;
      if (std::any_of(groups_.begin(), groups_.end(), failed)) return outcome::failed;
      if (steady_clock::now() >= deadline) return outcome::late;
    }
  }

  std::chrono::milliseconds timeout_;
  error_context where_;
  timeout_error late_;
  std::vector<member*> groups_;
  std::mutex mutex_{};
  std::atomic<outcome> outcome_{outcome::open};
  std::jthread thread_;  // last: it uses all the others
};

/// Runs NCCL calls that may wait on the host for other ranks, under a watch; `where`: what they are a part of. Throws
/// timeout_error at the deadline, aborted_error when a group is declared failed meanwhile.
template <class Calls>
void within_deadline(std::vector<member*> groups, std::chrono::milliseconds timeout, error_context where, Calls calls) {
  const native_calls under_way(groups);
  host_watch watch(groups, timeout, std::move(where));
  try {
    calls();
  } catch (const error&) {
    watch.finish();
    throw;
  }
  watch.finish();
}

}  // namespace mics::nccl
