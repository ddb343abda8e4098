#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>

#include <mics/bootstrap/detail/collector.hpp>
#include <mics/bootstrap/detail/deadline.hpp>
#include <mics/bootstrap/detail/operation.hpp>
#include <mics/bootstrap/detail/seat.hpp>
#include <mics/bootstrap/detail/waker.hpp>
#include <mics/bootstrap/rank_failure.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap::detail {

/// What runs behind a session: one thread that owns all connections of the rank, moves their messages and sees them
/// end. The caller's threads only queue messages and wait for answers, under one lock.
class switchboard {
 public:
  using hook = std::function<void(int rank, const std::string& why)>;

  switchboard(int rank, int size, std::vector<seat> seats) : rank_(rank), seats_(std::move(seats)), collector_(size) {
    if (seats_.empty()) return;  // alone: nobody to watch
    waker_.wake();               // messages, or an end, may have come in with the last one of the rendezvous
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the trainer's threads
    try {
      thread_ = std::thread([this] { run(); });
    } catch (...) {
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~switchboard() { close(); }
  switchboard(const switchboard&) = delete;
  switchboard& operator=(const switchboard&) = delete;

  /// Calls an operation, and waits for its end.
  bytes perform(operation what, int root, byte_view value, std::chrono::milliseconds timeout) {
    const std::lock_guard one_at_a_time(calls_);
    std::unique_lock lock(state_);
    const call own{++sequence_, what, root, static_cast<std::uint64_t>(timeout.count())};
    const error_context where{
        .rank = rank_, .group = "bootstrap", .operation = name_of(what), .sequence = own.sequence};
    require_usable(where);
    answer_.reset();
    if (rank_ == 0) {
      (void)collector_.contribute(0, {own, bytes(value.begin(), value.end())});  // no other call is under way
      settle();
    } else {
      seats_[0].connection.post(message::contribution, write_contribution(own, value));
    }
    waker_.wake();
    const auto ended = [&] {
      return (answer_ && answer_->sequence == own.sequence) || failure_ || hub_left_ || closing_;
    };
    changed_.wait_until(lock, clock::now() + timeout + verdict_grace, ended);
    if (answer_ && answer_->sequence == own.sequence) {
      if (answer_->how != verdict::kind::done) trouble_ = answer_->why;
      answer_->check(where);
      return std::move(answer_->result);
    }
    require_usable(where);
    gave_up_ = true;
    throw timeout_error("rank 0, which decides how operations end, did not answer in " + in_words(timeout), where);
  }

  [[nodiscard]] std::optional<rank_failure> failure() const {
    const std::lock_guard lock(state_);
    return failure_;
  }

  void on_failure(hook called) {
    std::unique_lock lock(state_);
    if (!failure_) return hooks_.push_back(std::move(called));
    const rank_failure seen = *failure_;
    lock.unlock();
    called(seen.rank, seen.why);
  }

  /// An exception leaves the session: a failure, which often is the consequence of another rank's.
  void unwind() {
    std::unique_lock lock(state_);
    const std::string why = "it was left by an exception" + (trouble_.empty() ? "" : ", after: " + trouble_);
    lock.unlock();
    abort(why);
  }

  /// Tells all ranks that this one has failed.
  void abort(const std::string& why) {
    {
      const std::lock_guard lock(state_);
      if (closing_ || failure_) return;
      fail(rank_, why);
      if (rank_ != 0) seats_[0].connection.post(message::failure, writer().rank(rank_).text(why).view());
    }
    waker_.wake();
    if (!thread_.joinable()) run_hooks();
  }

  /// Says goodbye and ends the thread. The other side's messages are read until it has closed too, for at most a
  /// second: else what was said last could be lost on its way.
  void close() {
    {
      const std::lock_guard lock(state_);
      if (std::this_thread::get_id() == thread_.get_id()) {
        throw usage_error("a session cannot be closed from a failure hook; close it in the thread that owns it",
                          {.rank = rank_});
      }
      if (!closing_) {
        closing_ = true;
        linger_end_ = clock::now() + std::chrono::seconds(1);
        for (seat& each : seats_) each.connection.post(message::goodbye);
      }
    }
    changed_.notify_all();
    waker_.wake();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void require_usable(const error_context& where) const {
    if (failure_) {
      throw aborted_error("rank " + std::to_string(failure_->rank) + " has failed: " + failure_->why, where);
    }
    if (closing_) throw usage_error("the session of this rank is closed", where);
    if (hub_left_) throw aborted_error("rank 0 has closed its session", where);
    if (gave_up_) throw aborted_error("rank 0 did not answer an earlier operation", where);
  }

  void run() {
    while (true) {
      std::vector<pollfd> looked_at{{waker_.native(), POLLIN, 0}};
      time_point next = time_point::max();
      {
        const std::lock_guard lock(state_);
        for (seat& each : seats_) {
          looked_at.push_back(each.connection.interest());
        }
        next = closing_ ? linger_end_ : failure_ ? time_point::max() : collector_.end();
        if (closing_ && (clock::now() >= linger_end_ || all_ended())) return;
      }
      ::poll(looked_at.data(), looked_at.size(), next == time_point::max() ? -1 : poll_milliseconds(next));
      waker_.rest();
      {
        const std::lock_guard lock(state_);
        for (seat& each : seats_) serve(each);
        if (rank_ == 0) settle();
        for (seat& each : seats_) send(each);
      }
      changed_.notify_all();
      run_hooks();
    }
  }

  [[nodiscard]] bool all_ended() const {
    return std::all_of(seats_.begin(), seats_.end(), [](const seat& each) { return each.connection.ended(); });
  }

  void serve(seat& from) {
    from.connection.read();
    while (const std::optional<frame> said = from.connection.next()) {
      if (!take(from, *said)) from.connection.end("it sent a message that does not belong there");
    }
    if (!from.connection.ended() || from.said_goodbye || closing_) return;
    fail(from.rank, "the connection to it broke: " + from.connection.why());
  }

  /// False for what breaks the protocol.
  bool take(seat& from, const frame& said) {
    reader in(said.body);
    if (said.kind == message::goodbye) {
      from.said_goodbye = true;
      if (rank_ == 0) collector_.leave(from.rank);
      if (rank_ != 0) hub_left_ = true;
      return true;
    }
    if (said.kind == message::failure) {
      const int failed = in.rank();
      const std::string why = in.text();
      const bool credible = in.complete() && (rank_ != 0 || failed == from.rank);
      if (credible) fail(failed, why);
      return credible;
    }
    if (rank_ == 0 && said.kind == message::contribution) {
      auto given = read_contribution(said.body);
      return given && collector_.contribute(from.rank, std::move(*given));
    }
    if (rank_ != 0 && said.kind == message::verdict) {
      answer_ = verdict::read(said.body);
      return answer_.has_value();
    }
    return false;
  }

  /// Ends the operation under way, if it is time. After a failure there is nothing to say: it has ended all calls.
  void settle() {
    if (failure_) return;
    while (auto ending = collector_.decide()) {
      const packet told = pack(message::verdict, ending->what.write());
      for (seat& each : seats_) {
        if (std::binary_search(ending->ranks.begin(), ending->ranks.end(), each.rank)) {
          each.connection.post(told);
        }
      }
      if (ending->ranks[0] == 0) answer_ = std::move(ending->what);
    }
  }

  void send(seat& to) {
    to.connection.write();
    if (to.said_goodbye && to.connection.flushed()) {
      to.connection.end("closed in order");
    } else if (closing_ && to.connection.flushed()) {
      to.connection.finish();
    }
  }

  /// The first failure counts; rank 0 tells it to all others.
  void fail(int rank, const std::string& why) {
    if (failure_ || closing_) return;
    failure_ = {rank, why};
    if (rank_ != 0) return;
    const packet told = pack(message::failure, writer().rank(rank).text(why).view());
    for (seat& each : seats_) each.connection.post(told);
  }

  void run_hooks() {
    std::vector<hook> due;
    rank_failure seen;
    {
      const std::lock_guard lock(state_);
      if (!failure_) return;
      seen = *failure_;
      due.swap(hooks_);
    }
    for (const hook& each : due) each(seen.rank, seen.why);
  }

  const int rank_;
  std::mutex calls_;
  mutable std::mutex state_;  ///< guards all below but the thread and the waker
  std::condition_variable changed_;
  std::vector<seat> seats_;
  collector collector_;  ///< used by rank 0 only
  std::uint64_t sequence_ = 0;
  std::optional<verdict> answer_{};
  std::string trouble_{};  ///< why the last operation that failed did so
  std::optional<rank_failure> failure_{};
  std::vector<hook> hooks_{};
  bool hub_left_ = false;
  bool gave_up_ = false;  ///< an answer may still be on its way: no other call may be made
  bool closing_ = false;
  time_point linger_end_{};
  waker waker_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace mics::bootstrap::detail
