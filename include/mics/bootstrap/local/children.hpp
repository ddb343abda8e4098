#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <mics/bootstrap/detail/deadline.hpp>
#include <mics/bootstrap/detail/descriptor.hpp>
#include <mics/bootstrap/local/spawn_error.hpp>

namespace mics::bootstrap::local {

/// The forked ranks. However it is left, none of them runs on, and none stays behind as a zombie.
class children {
 public:
  children() = default;
  children(const children&) = delete;
  children& operator=(const children&) = delete;
  ~children() {
    stop_all();
    while (running() > 0) collect();
  }

  /// Forks a process that calls `body(report)` and ends: with exit code 0, or with the one that it has given to
  /// `report(code, text)`.
  template <class Body> void fork_one(int rank, Body body) {
    auto [from, to] = bootstrap::detail::make_pipe();
    std::fflush(nullptr);  // else what is buffered would be printed twice
    const pid_t parent = ::getpid();
    const pid_t id = ::fork();
    if (id < 0) bootstrap::detail::throw_system("rank " + std::to_string(rank) + " could not be forked");
    if (id == 0) {
      die_with(parent);
      ::_exit(run(body, to));
    }
    all_.push_back({rank, id, std::move(from)});
  }

  [[nodiscard]] std::size_t running() const noexcept {
    std::size_t count = 0;
    for (const child& each : all_) count += each.id > 0 ? 1 : 0;
    return count;
  }

  /// Takes in who has ended; sleeps a little when nobody has.
  void collect() {
    bool any = false;
    for (child& each : all_) {
      if (each.id > 0 && has_ended(each)) any = true;
    }
    if (!any) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  void stop_all() noexcept {
    for (child& each : all_) {
      if (each.id <= 0 || ::kill(each.id, SIGKILL) != 0) continue;
      each.stopped = true;
    }
  }

  [[nodiscard]] const std::vector<child_failure>& failures() const noexcept { return failures_; }

 private:
  struct child {
    int rank;
    pid_t id;  ///< 0: it has ended
    bootstrap::detail::descriptor report;
    bool stopped = false;
  };
  static constexpr std::size_t longest_report = 4096;  // fits any pipe, so no child waits for its reader

  static void die_with([[maybe_unused]] pid_t parent) noexcept {
#ifdef __linux__
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // it was gone before
#endif
  }

  template <class Body> static int run(Body& body, const bootstrap::detail::descriptor& to) noexcept {
    int code = 0;
    body([&](int failed_with, const std::string& what) {
      code = failed_with;
      const std::size_t size = what.size() < longest_report ? what.size() : longest_report;
      [[maybe_unused]] const ssize_t put = ::write(to.get(), what.data(), size);
    });
    std::fflush(nullptr);
    return code;
  }

  bool has_ended(child& which) {
    int status = 0;
    const pid_t answer = ::waitpid(which.id, &status, WNOHANG);
    if (answer == 0 || (answer < 0 && errno == EINTR)) return false;
    which.id = 0;
    child_failure seen{which.rank};
    if (answer < 0) {
      seen.what = "how it ended is not known: SIGCHLD is ignored, or somebody else waits for all child processes";
    } else if (WIFSIGNALED(status)) {
      seen.signal = WTERMSIG(status);
    } else {
      seen.exit_code = WEXITSTATUS(status);
    }
    seen.stopped = which.stopped && seen.signal == SIGKILL;
    if (seen.exit_code == 0) return true;
    if (answer > 0) seen.what = report_of(which);
    failures_.push_back(std::move(seen));
    return true;
  }

  static std::string report_of(const child& which) {
    char text[longest_report];
    const ssize_t size = ::read(which.report.get(), text, sizeof text);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
  }

  std::vector<child> all_{};
  std::vector<child_failure> failures_{};
};

}  // namespace mics::bootstrap::local
