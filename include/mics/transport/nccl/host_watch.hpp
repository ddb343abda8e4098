#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <mics/error.hpp>
#include <mics/transport/nccl/member.hpp>

namespace mics::nccl {

/// While one lives, calls of NCCL that wait on the host for other ranks have a deadline: to connect ranks at the first
/// use of an operation, and to split, NCCL waits without one. At the deadline a thread of the watch aborts the groups,
/// which lets such a call return with an error. (An adopted communicator is its owner's to abort.)
class host_watch {
 public:
  host_watch(std::vector<member*> groups, std::chrono::milliseconds timeout)
      : timeout_(timeout), groups_(std::move(groups)), thread_([this](const std::stop_token& stop) { watch(stop); }) {}

  /// Was the deadline missed? Then the groups are aborted, and whatever NCCL says of it is of no interest.
  void throw_if_late(const char* doing) const {
    if (!late_.load(std::memory_order_acquire)) return;
    error_context where = groups_.front()->where();
    where.stage = doing;
    throw timeout_error("no end after " + std::to_string(timeout_.count()) + " ms", std::move(where));
  }

 private:
  void watch(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    std::condition_variable_any done;
    if (done.wait_for(lock, stop, timeout_, [] { return false; }) || stop.stop_requested()) return;
    late_.store(true, std::memory_order_release);
    for (member* const group : groups_) {
      group->failure()->set("ranks did not meet within " + std::to_string(timeout_.count()) + " ms");
      group->abort();
    }
  }

  std::chrono::milliseconds timeout_;
  std::vector<member*> groups_;
  std::mutex mutex_{};
  std::atomic<bool> late_{false};
  std::jthread thread_;  // last: it uses all the others
};

/// Runs NCCL calls that may wait on the host for other ranks, under a watch. Throws timeout_error at the deadline.
template <class Calls>
void within_deadline(std::vector<member*> groups, std::chrono::milliseconds timeout, const char* doing, Calls calls) {
  const host_watch watch(std::move(groups), timeout);
  try {
    calls();
  } catch (const error&) {
    watch.throw_if_late(doing);
    throw;
  }
  watch.throw_if_late(doing);
}

}  // namespace mics::nccl
