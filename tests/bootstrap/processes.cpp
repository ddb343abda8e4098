#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ranks.hpp"

using namespace mics;
using namespace std::chrono_literals;
using mics::bootstrap::session;
using mics::bootstrap::local::spawn;
using mics::bootstrap::local::spawn_error;
using mics::test::await_failure;
using mics::test::contains;
using mics::test::expect;

namespace {

/// Whether tests of forked processes can run in this build; says so when not.
bool forks() {
  if (!test::can_fork) MESSAGE("left out: the thread sanitizer does not follow forked processes");
  return test::can_fork;
}

/// The failures that spawn reports; none when all ranks ended well. Fails the test when a child is left behind.
std::vector<bootstrap::local::child_failure> failures_of(int ranks, const std::function<void(session&)>& body,
                                                         const bootstrap::local::options& options = {}) {
  std::vector<bootstrap::local::child_failure> failures;
  try {
    spawn(ranks, body, options);
  } catch (const spawn_error& error) {
    failures = error.failures();
    MESSAGE(std::string(error.what()));
  }
  const bool no_child_left = ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
  CHECK(no_child_left);
  return failures;
}

}  // namespace

TEST_CASE("1, 2, 5 and 16 ranks as processes meet and exchange values") {
  if (!forks()) return;
  for (const int size : {1, 2, 5, 16}) {
    CAPTURE(size);
    const auto failures = failures_of(size, [size](session& world) {
      expect(world.size() == size, "the size is the one asked for");
      const auto processes = world.all_gather(::getpid());
      for (int rank = 0; rank < size; ++rank) {
        const bool mine = processes[static_cast<std::size_t>(rank)] == ::getpid();
        expect(mine == (rank == world.rank()), "every rank is a process of its own");
      }
      expect(world.broadcast(world.rank(), size - 1) == size - 1, "the last one's value comes");
      world.barrier();
    });
    CHECK(failures.empty());
  }
}

TEST_CASE("spawned ranks play nodes") {
  if (!forks()) return;
  const auto failures = failures_of(6,
                                    [](session& world) {
                                      expect(world.ranks_per_node() == std::vector<int>{2, 2, 2}, "three nodes of two");
                                      expect(world.local_rank() == world.rank() % 2, "local ranks count anew on each");
                                    },
                                    {.nodes = 3});
  CHECK(failures.empty());
  CHECK_THROWS_AS(spawn(5, [](session&) {}, {.nodes = 2}), topology_error);
}

TEST_CASE("a killed rank is noticed by all others") {
  if (!forks()) return;
  for (const int victim : {0, 3}) {
    CAPTURE(victim);
    const auto failures =
        failures_of(5,
                    [victim](session& world) {
                      world.barrier();
                      if (world.rank() == victim) {
                        std::this_thread::sleep_for(200ms);  // as rank 0, it has still to tell all that they have met
                        ::raise(SIGKILL);
                      }
                      const auto seen = await_failure(world);
                      expect(seen.rank == victim, "it is named, not rank " + std::to_string(seen.rank));
                    },
                    {.grace = 20s});
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].rank == victim);
    CHECK(failures[0].signal == SIGKILL);
    CHECK(!failures[0].stopped);
  }
}

TEST_CASE("an operation is aborted by a killed rank") {
  if (!forks()) return;
  const auto failures = failures_of(3,
                                    [](session& world) {
                                      world.barrier();
                                      if (world.rank() == 1) ::raise(SIGKILL);
                                      world.barrier();
                                    },
                                    {.grace = 20s});
  REQUIRE(failures.size() == 3);
  CHECK(failures[0].rank == 1);
  for (const int i : {1, 2}) {
    const auto& each = failures[static_cast<std::size_t>(i)];
    CHECK(each.exit_code == bootstrap::local::affected_code);
    CHECK(contains(each.what, "rank 1 has failed"));
  }
}

TEST_CASE("an exception is reported with its rank and words, and before what it brought about") {
  if (!forks()) return;
  const auto failures = failures_of(4,
                                    [](session& world) {
                                      world.barrier();
                                      if (world.rank() == 2) throw std::runtime_error("no memory left");
                                      world.barrier();
                                    },
                                    {.grace = 20s});
  REQUIRE(failures.size() == 4);
  CHECK(failures[0].describe() == "rank 2: exit code 1: no memory left");
  for (std::size_t i = 1; i < 4; ++i) CHECK(contains(failures[i].what, "rank 2 has failed: no memory left"));
}

TEST_CASE("exit codes, signals and foreign exceptions are told apart; who runs on is stopped") {
  if (!forks()) return;
  const auto failures = failures_of(5,
                                    [](session& world) {
                                      world.barrier();
                                      if (world.rank() == 0) ::pause();
                                      if (world.rank() == 1) ::_exit(7);
                                      if (world.rank() == 2) {
                                        std::signal(SIGTERM, SIG_DFL);  // the test framework has a handler
                                        ::raise(SIGTERM);
                                      }
                                      if (world.rank() == 3) throw 5;
                                    },
                                    {.grace = 2s});
  REQUIRE(failures.size() == 4);
  CHECK(failures[3].rank == 0);
  CHECK(failures[3].stopped);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& each = failures[i];
    CAPTURE(each.describe());
    if (each.rank == 1) CHECK(each.exit_code == 7);
    if (each.rank == 2) CHECK(each.signal == SIGTERM);
    if (each.rank == 3) CHECK(contains(each.what, "no std::exception"));
  }
}

TEST_CASE("a run over its limit is stopped") {
  if (!forks()) return;
  try {
    spawn(2,
          [](session& world) {
            if (world.rank() == 1) ::pause();
          },
          {.limit = 2s});
    FAIL("it is stopped");
  } catch (const spawn_error& error) {
    const std::string said = error.what();
    CAPTURE(said);
    CHECK(contains(said, "1 of 2 ranks failed by the limit of 2 s: rank 1: stopped by spawn"));
  }
}

TEST_CASE("what a rank writes comes out once") {
  if (!forks()) return;
  auto [from, to] = bootstrap::detail::make_pipe();
  FILE* const out = ::fdopen(::dup(to.get()), "w");
  REQUIRE(out != nullptr);
  std::fputs("parent ", out);  // still buffered when the ranks are forked
  spawn(2, [&](session& world) {
    if (world.rank() == 1) world.barrier();
    std::fputs(world.rank() == 0 ? "zero " : "one", out);
    std::fflush(out);
    if (world.rank() == 0) world.barrier();
  });
  std::fclose(out);
  char text[64] = {};
  CHECK(::read(from.get(), text, sizeof text - 1) > 0);
  CHECK(std::string(text) == "parent zero one");
}

TEST_CASE("a stopped rank 0 does not hold the others longer than the deadline") {
  if (!forks()) return;
  const auto failures = failures_of(2,
                                    [](session& world) {
                                      const pid_t hub = world.broadcast(::getpid(), 0);
                                      world.barrier();
                                      if (world.rank() == 0) return (void)::pause();
                                      ::kill(hub, SIGSTOP);
                                      const std::string said = test::outcomes(1, [&](int) { world.barrier(100ms); })[0];
                                      const std::string again =
                                          test::outcomes(1, [&](int) { world.barrier(100ms); })[0];
                                      throw std::runtime_error(said + " / " + again);
                                    },
                                    {.grace = 0ms});
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].rank == 1);
  CHECK(contains(failures[0].what, "timeout_error: rank 0, which decides how operations end, did not answer"));
  CHECK(contains(failures[0].what, "/ aborted_error: rank 0 did not answer an earlier operation"));
  CHECK(failures[1].stopped);
}
