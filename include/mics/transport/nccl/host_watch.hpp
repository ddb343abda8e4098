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
#include <mics/transport/nccl/family.hpp>
#include <mics/transport/nccl/member.hpp>

namespace mics::nccl {

/// While one lives, calls of NCCL that wait on the host for other ranks have a deadline: to connect ranks at the first
/// use of an operation, and to split, NCCL waits without one. At the deadline a thread of the watch aborts the groups'
/// families, which lets such a call return with an error. (An adopted communicator is its owner's to abort.)
class host_watch {
 public:
  /// `where`: what the calls are a part of.
  host_watch(std::vector<member*> groups, std::chrono::milliseconds timeout, error_context where)
      : timeout_(timeout),
        late_("no end after " + std::to_string(timeout.count()) + " ms", std::move(where)),
        groups_(std::move(groups)),
        thread_([this](const std::stop_token& stop) { watch(stop); }) {}

  /// The calls have returned. Throws timeout_error if the deadline came first: then the groups are aborted, and
  /// whatever NCCL says of it is of no interest.
  void finish() {
    if (came_first(outcome::done)) return;
    thread_.join();
    throw timeout_error(late_);
  }

 private:
  enum class outcome { open, done, late };

  /// Both may happen at the same moment, but only one is first.
  [[nodiscard]] bool came_first(outcome what) noexcept {
    outcome open = outcome::open;
    return outcome_.compare_exchange_strong(open, what);
  }

  void watch(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    std::condition_variable_any done;
    if (done.wait_for(lock, stop, std::min(timeout_, mics::detail::longest_timeout), [] { return false; }) ||
        stop.stop_requested())
      return;
    if (!came_first(outcome::late)) return;
    for (member* const group : groups_) {
      group->failure()->set(late_.what());
      // Its own thread's calls, one a group, are what waits.
      const auto same = [&](const member* other) { return &other->family() == &group->family(); };
      group->abort(static_cast<int>(std::count_if(groups_.begin(), groups_.end(), same)));
    }
  }

  std::chrono::milliseconds timeout_;
  timeout_error late_;
  std::vector<member*> groups_;
  std::mutex mutex_{};
  std::atomic<outcome> outcome_{outcome::open};
  std::jthread thread_;  // last: it uses all the others
};

/// Runs NCCL calls that may wait on the host for other ranks, under a watch; `where`: what they are a part of. Throws
/// timeout_error at the deadline.
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
