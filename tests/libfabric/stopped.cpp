// A rank that stands still without dying: its connections live, so only the deadline can tell.

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include "operations.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using namespace std::chrono_literals;
using mics::libfabric::communicator;

/// Waits until the others have ended by their own deadlines, and ends the one that cannot.
[[noreturn]] void end_stopped(pid_t stopped) {
  ::usleep(500'000);
  ::kill(stopped, SIGKILL);
  ::_exit(0);
}

/// All ranks call an operation again and again; a thread of the victim stops its process meanwhile. The others must
/// learn it, and one of them ends it then.
void stop_one(communicator& world, mics::bootstrap::session& job, std::string_view what, int victim) {
  const std::function<void()> call = operation_of(what, world, 300'000);
  call();
  const pid_t stopped = job.broadcast(::getpid(), victim);
  job.barrier();
  std::jthread stopper;
  if (world.rank() == victim) {
    stopper = std::jthread([] {
      std::this_thread::sleep_for(30ms);
      ::raise(SIGSTOP);
    });
  }
  const auto start = std::chrono::steady_clock::now();
  try {
    for (;;) call();
  } catch (const mics::error& e) {
    expect(e.context().rank == world.rank() && !e.context().group.empty() && e.context().sequence > 1,
           std::string("rank, group and number are told: ") + e.what());
    expect(!e.context().operation.empty(), std::string("the operation is told: ") + e.what());
    expect(std::chrono::steady_clock::now() - start < 12s, "it takes no longer than the deadline, and some");
  }
  if (world.rank() == (victim + 1) % world.size()) end_stopped(stopped);
  ::_exit(0);  // nobody to say goodbye to
}

void check_only_victim(const std::vector<mics::bootstrap::local::child_failure>& failures, int victim) {
  std::string all;
  for (const auto& failure : failures) all += failure.describe() + "\n";
  INFO(all);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].rank == victim);
  CHECK(failures[0].signal == SIGKILL);
}

void check_stopped(std::string_view what, geometry on, int victim) {
  CAPTURE(what);
  CAPTURE(on.nodes);
  check_only_victim(
      failures_of(on, [&](communicator& world, mics::bootstrap::session& job) { stop_one(world, job, what, victim); },
                  {.timeout = 1500ms, .checked = false}),
      victim);
}

}  // namespace

TEST_CASE("a rank stopped in the midst of any operation ends it for all others within the deadline") {
  if (!has_fabric()) return;
  for (const std::string_view what : all_operations) {
    for (const geometry on : {geometry{1, 3}, geometry{3, 1}, geometry{2, 2}}) check_stopped(what, on, 1);
  }
}

TEST_CASE("rank 0 stopped in the midst of any operation ends it for all others within the deadline") {
  if (!has_fabric()) return;
  for (const std::string_view what : all_operations) check_stopped(what, {2, 2}, 0);
}

TEST_CASE("a rank that stops while the world is made is named within the deadline of the world") {
  if (!has_fabric()) return;
  for (const int victim : {0, 2}) {
    for (const int nodes : {1, 3}) {
      CAPTURE(victim);
      CAPTURE(nodes);
      const auto body = [&](mics::bootstrap::session& job) {
        const pid_t stopped = job.broadcast(::getpid(), victim);
        if (job.rank() == victim) {
          static_cast<void>(job.all_gather(mics::libfabric::detail::this_process()));  // what a world begins with
          ::raise(SIGSTOP);
        }
        const auto start = std::chrono::steady_clock::now();
        try {
          const auto world = mics::libfabric::make_world(job, {.timeout = 2s});
          throw std::logic_error("it did not fail");
        } catch (const mics::error& e) {
          expect(std::string(e.what()).find("rank " + std::to_string(victim)) != std::string::npos, e.what());
          // Rank 0 decides; who waits for its word in vain waits two seconds longer.
          expect(std::chrono::steady_clock::now() - start < 12s, "it takes no longer than the deadline, and some");
        }
        if (job.rank() == 1) end_stopped(stopped);
        ::_exit(0);
      };
      std::vector<mics::bootstrap::local::child_failure> failures;
      try {
        mics::bootstrap::local::spawn(3, body, {.nodes = nodes, .limit = 60s, .grace = 20s});
      } catch (const mics::bootstrap::local::spawn_error& e) {
        failures = e.failures();
      }
      check_only_victim(failures, victim);
    }
  }
}
