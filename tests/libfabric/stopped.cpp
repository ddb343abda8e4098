// A rank that stands still without dying: its connections live, so only the deadline can tell.

#include <chrono>
#include <csignal>
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include "ranks.hpp"

namespace {

using namespace mics::test;
using namespace std::chrono_literals;
using mics::libfabric::communicator;
using collective = void (*)(const communicator&);

void gather(const communicator& world) {
  std::vector<int> shard(large_block), full(large_block * static_cast<std::size_t>(world.size()));
  mics::all_gather(world, shard, full);
}

void sum(const communicator& world) {
  std::vector<int> data(large_block * static_cast<std::size_t>(world.size()));
  mics::all_reduce(world, data, data, mics::reduction::sum);
}

void scatter(const communicator& world) {
  std::vector<int> data(large_block * static_cast<std::size_t>(world.size())), shard(large_block);
  mics::reduce_scatter(world, data, shard, mics::reduction::sum);
}

constexpr int victim = 1;

/// One rank stops itself in the midst of a series; the others must learn it, and rank 0 ends it then.
void stop_one(communicator& world, mics::bootstrap::session& job, collective what) {
  what(world);
  const pid_t stopped = job.broadcast(::getpid(), victim);
  job.barrier();
  if (world.rank() == victim) {
    what(world);
    ::raise(SIGSTOP);
  }
  const auto start = std::chrono::steady_clock::now();
  try {
    for (;;) what(world);
  } catch (const mics::error& e) {
    expect(e.context().rank == world.rank() && e.context().group == "world" && e.context().sequence > 1,
           std::string("rank, group and number are told: ") + e.what());
    expect(!e.context().operation.empty(), std::string("the operation is told: ") + e.what());
    expect(std::chrono::steady_clock::now() - start < 10s, "it takes no longer than the deadline, and some");
  }
  if (world.rank() != 0) ::_exit(0);  // nobody to say goodbye to
  ::usleep(500'000);                  // the others end by their own deadlines
  ::kill(stopped, SIGKILL);
  ::_exit(0);
}

}  // namespace

TEST_CASE("a stopped rank ends the operations of all others within the deadline") {
  if (!has_fabric()) return;
  for (const collective what : {collective(gather), collective(sum), collective(scatter)}) {
    for (const geometry on : {geometry{1, 3}, geometry{3, 1}, geometry{2, 2}}) {
      const auto failures =
          failures_of(on, [what](communicator& world, mics::bootstrap::session& job) { stop_one(world, job, what); },
                      {.timeout = 1s, .checked = false});
      REQUIRE(failures.size() == 1);
      CHECK(failures[0].rank == victim);
      CHECK(failures[0].signal == SIGKILL);
    }
  }
}
