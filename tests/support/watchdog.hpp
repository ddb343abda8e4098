#pragma once

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "notes.hpp"

namespace mics::test {

/// Ends the process when a test hangs: unless it is destroyed within `limit`, prints what was running and where each
/// rank stands (see note()), and aborts. Its thread sleeps as soon as the constructor returns: a test may fork without
/// a child inheriting a lock of the memory allocator that this thread held while it started (clang's address sanitizer
/// does not free them in the child, which then hangs).
class watchdog {
 public:
  watchdog(std::chrono::milliseconds limit, std::string what)
      : limit_(limit), what_(std::move(what)), thread_([this] { watch(); }) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return watching_; });
  }
  ~watchdog() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    watching_ = true;
    changed_.notify_one();
    if (changed_.wait_for(lock, limit_, [this] { return done_; })) return;
    std::fprintf(stderr, "\nwatchdog: '%s' still runs after %lld ms; its threads:\n", what_.c_str(),
                 static_cast<long long>(limit_.count()));
    print_notes(stderr);
    std::fflush(stderr);
    std::signal(SIGABRT,
                SIG_DFL);  // else the test framework's handler runs first, and prints without the hung thread's leave
    std::abort();
  }

  const std::chrono::milliseconds limit_;
  const std::string what_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool watching_ = false;
  bool done_ = false;
  std::thread thread_;  // last: it reads the others
};

}  // namespace mics::test
