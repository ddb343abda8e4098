#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <mics/error.hpp>

namespace mics::thread {

/// A point in a stream: complete once all work before it is. Copyable; waits throw what that work threw.
class event {
 public:
  event() = default;

  /// Blocks until the work before the event has ended; throws if it failed. A default event is complete.
  void synchronize() const {
    if (!state_) return;
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->complete; });
    if (!state_->failure) return;
    *state_->seen = true;
    std::rethrow_exception(state_->failure);
  }

 private:
  friend class stream;
  struct shared {
    std::mutex mutex{};
    std::condition_variable changed{};
    bool complete = false;
    std::exception_ptr failure{};
    std::shared_ptr<std::atomic<bool>> seen{};  ///< the stream's
  };
  explicit event(std::shared_ptr<shared> state) : state_(std::move(state)) {}
  std::shared_ptr<shared> state_{};
};

/// Work in order, asynchronous to the caller: the host's counterpart of a CUDA stream, run by a thread of its own.
/// After a failure the rest of the work is skipped, and every wait on the stream throws that failure.
/// The destructor waits for the work. A failure that nobody has waited for ends the program, for it must not vanish;
/// unless an exception is already on its way, or the failure is another rank's, which is thrown there.
class stream {
 public:
  stream() : worker_([this](const std::stop_token& stop) { serve(stop); }) {}
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  ~stream() {
    {
      const std::lock_guard lock(mutex_);  // else the worker could miss it between its look and its sleep
      worker_.request_stop();
    }
    worker_.join();
    if (failure_ && !*seen_ && std::uncaught_exceptions() == 0) end_program_unless_aborted();
  }

  /// Runs `work` after all work before it. If that has failed, `otherwise` (if any) is called with the failure instead:
  /// for work that others wait for.
  void enqueue(std::function<void()> work, std::function<void(std::exception_ptr)> otherwise = {}) {
    push({std::move(work), std::move(otherwise)});
  }

  /// Blocks until all work so far has ended; throws if any of it failed.
  void synchronize() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&, target = enqueued_] { return ended_ >= target; });
    if (!failure_) return;
    *seen_ = true;
    std::rethrow_exception(failure_);
  }

  /// Marks the end of the work so far, for other streams and threads to wait for.
  [[nodiscard]] event record() {
    auto state = std::make_shared<event::shared>();
    state->seen = seen_;
    const auto complete = [this, state] {
      const std::lock_guard lock(state->mutex);
      state->complete = true;
      state->failure = failure();
      state->changed.notify_all();
    };
    push({complete, [complete](const std::exception_ptr&) { complete(); }});
    return event(std::move(state));
  }

  /// Work enqueued from here on waits for `e`; if that failed, this stream fails likewise.
  void wait(event e) {
    enqueue([e = std::move(e)] { e.synchronize(); });
  }

 private:
  struct task {
    std::function<void()> run;
    std::function<void(std::exception_ptr)> otherwise;
  };

  void end_program_unless_aborted() const {
    try {
      std::rethrow_exception(failure_);
    } catch (const aborted_error&) {
    } catch (const std::exception& e) {
      std::fprintf(stderr, "mics: a stream was destroyed with a failure that no one waited for: %s\n", e.what());
      std::terminate();
    } catch (...) {
      std::terminate();
    }
  }

  void push(task next) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(next));
    ++enqueued_;
    changed_.notify_all();
  }

  [[nodiscard]] std::exception_ptr failure() {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  void serve(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const std::stop_callback wake(stop, [this] { changed_.notify_all(); });
    while (true) {
      changed_.wait(lock, [&] { return !tasks_.empty() || stop.stop_requested(); });
      if (tasks_.empty()) return;
      task next = std::move(tasks_.front());
      tasks_.pop_front();
      const std::exception_ptr before = failure_;
      lock.unlock();
      std::exception_ptr failed;
      try {
        if (!before) next.run();
        if (before && next.otherwise) next.otherwise(before);
      } catch (...) {
        failed = std::current_exception();
      }
      next = {};  // what it holds may be the last of its kind, and takes its time to go
      lock.lock();
      if (failed && !failure_) failure_ = failed;
      ++ended_;
      changed_.notify_all();
    }
  }

  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<task> tasks_{};
  std::uint64_t enqueued_ = 0;
  std::uint64_t ended_ = 0;
  std::exception_ptr failure_{};
  std::shared_ptr<std::atomic<bool>> seen_ = std::make_shared<std::atomic<bool>>(false);  ///< has a wait thrown it?
  std::jthread worker_;
};

/// Names a stream without owning it: what collectives take.
class stream_ref {
 public:
  stream_ref(stream& s) noexcept : stream_(&s) {}
  void enqueue(std::function<void()> work, std::function<void(std::exception_ptr)> otherwise = {}) const {
    stream_->enqueue(std::move(work), std::move(otherwise));
  }
  [[nodiscard]] event record() const { return stream_->record(); }
  void wait(event e) const { stream_->wait(std::move(e)); }
  void synchronize() const { stream_->synchronize(); }

 private:
  stream* stream_;
};

}  // namespace mics::thread
