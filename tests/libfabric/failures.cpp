// What happens when a rank dies, does not come or errs: no hang, and everyone learns who and where.

#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../support/slowness.hpp"
#include "moment.hpp"
#include "operations.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using namespace std::chrono_literals;
using mics::libfabric::communicator;
using clock = std::chrono::steady_clock;

void gather(const communicator& world, const mics::collective_options& options = {}) {
  std::vector<int> shard(large_block), full(large_block * static_cast<std::size_t>(world.size()));
  mics::all_gather(world, shard, full, options);
}

void sum(const communicator& world, const mics::collective_options& options = {}) {
  std::vector<int> data(large_block * static_cast<std::size_t>(world.size()));
  mics::all_reduce(world, data, data, mics::reduction::sum, options);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// All ranks call an operation again and again; a thread of the victim kills its process meanwhile. The ranks do
/// nothing else, and megabytes are under way, so that it dies in the midst of one.
void kill_one(geometry on, std::string_view what, int victim) {
  const shared_moment death;
  const auto failures = failures_of(on, [&](communicator& world, mics::bootstrap::session& job) {
    const std::function<void()> call = operation_of(what, world, 300'000);
    call();
    job.barrier();
    std::jthread killer;
    if (world.rank() == victim) {
      killer = std::jthread([&] {
        std::this_thread::sleep_for(40ms);
        death.is_now();
        ::raise(SIGKILL);
      });
    }
    try {
      for (;;) call();
    } catch (const mics::aborted_error& e) {
      const auto learnt = death.past();
      expect(has(e.what(), "rank " + std::to_string(victim) + " failed"),
             std::string("the culprit is named: ") + e.what());
      expect(e.context().rank == world.rank() && !e.context().group.empty() && e.context().sequence > 1,
             std::string("rank, group and number are told: ") + e.what());
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(learnt);
      expect(ms < stretched(1s), "it took " + std::to_string(ms.count()) + " ms to learn of a death");
      ::_exit(0);  // nobody to say goodbye to
    }
  });
  REQUIRE(failures.size() == 1);
  INFO(failures[0].describe());
  CHECK(failures[0].rank == victim);
  CHECK(failures[0].signal == SIGKILL);
}

}  // namespace

TEST_CASE("a rank killed in the midst of any operation ends it for all others, who name it within a second") {
  if (!has_fabric()) return;
  for (const std::string_view what : all_operations) {
    for (const geometry on : {geometry{1, 3}, geometry{3, 2}}) {
      for (const int victim : {0, 2}) {
        CAPTURE(what);
        CAPTURE(on.nodes);
        kill_one(on, what, victim);
      }
    }
  }
}

TEST_CASE("a rank that does not come: the error names it, the operation, its number and the stage") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{1, 2}, geometry{2, 1}}) {
    for (const bool checked : {false, true}) {
      run_ranks(on,
                [](communicator& world, mics::bootstrap::session& job) {
                  gather(world);
                  if (world.rank() == 0) {
                    try {
                      gather(world, {.timeout = 300ms});
                      throw std::logic_error("it did not fail");
                    } catch (const mics::timeout_error& e) {
                      expect(has(e.what(), "no progress for 300 ms [rank 0, group world, all_gather #2, "), e.what());
                      expect(has(e.context().stage, "rank 1"), "who is missing: " + e.context().stage);
                    }
                  }
                  job.barrier();
                  try {
                    gather(world);
                    throw std::logic_error("it did not fail");
                  } catch (const mics::aborted_error& e) {
                    expect(has(e.what(), "no progress for 300 ms"), std::string("why: ") + e.what());
                  } catch (const mics::transport_error& e) {
                    expect(has(e.what(), "failed"), std::string("why: ") + e.what());
                  }
                },
                {.checked = checked});
    }
  }
}

TEST_CASE("after a failure inside a node its other groups work") {
  if (!has_fabric()) return;
  run_ranks({1, 2}, [](communicator& world, mics::bootstrap::session& job) {
    const auto spare = world.split(0, world.rank());
    if (world.rank() == 0) {
      try {
        gather(world, {.timeout = 200ms});
        throw std::logic_error("it did not fail");
      } catch (const mics::timeout_error&) {
      }
    }
    job.barrier();
    gather(spare);
    try {
      mics::barrier(world);
      throw std::logic_error("it did not fail");
    } catch (const mics::aborted_error& e) {
      expect(has(e.what(), "an operation of this group failed: no progress"), e.what());
    }
  });
}

TEST_CASE("ranks that mean different things all learn it, and can go on") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{1, 2}, geometry{2, 2}}) {
    run_ranks(on,
              [](communicator& world, mics::bootstrap::session&) {
                try {
                  world.rank() == 1 ? sum(world) : gather(world);
                  throw std::logic_error("it did not fail");
                } catch (const mics::usage_error& e) {
                  expect(has(e.what(), "the ranks disagree: rank 0 calls all_gather") &&
                             has(e.what(), "rank 1 calls all_red"),
                         e.what());
                }
                gather(world);
              },
              {.checked = true});
  }
}

TEST_CASE("an exception on one rank's stream ends the operation everywhere") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{1, 2}, geometry{2, 1}}) {
    run_ranks(on, [](communicator& world, mics::bootstrap::session& job) {
      std::vector<int> shard(large_block), full(2 * large_block);
      mics::libfabric::stream s;
      if (world.rank() == 1) s.enqueue([] { throw std::runtime_error("out of cheese"); });
      mics::all_gather(world, shard, full, s);
      try {
        s.synchronize();
        throw std::logic_error("it did not fail");
      } catch (const mics::aborted_error& e) {
        expect(world.rank() == 0 && has(e.what(), "rank 1 failed: out of cheese"), e.what());
      } catch (const std::runtime_error& e) {
        expect(world.rank() == 1 && has(e.what(), "out of cheese"), e.what());
      }
      job.barrier();
    });
  }
}

TEST_CASE("a rank that cannot make its part of a split tells the others why, long before the deadline") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{1, 3}, geometry{2, 2}}) {
    run_ranks(on, [](communicator& world, mics::bootstrap::session& job) {
      static_cast<void>(world.split(0, world.rank()));  // all connections that it needs are there
      job.barrier();
      rlimit usual{};
      ::getrlimit(RLIMIT_FSIZE, &usual);
      std::signal(SIGXFSZ, SIG_IGN);
      if (world.rank() == 1) {
        const rlimit none{0, usual.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &none);
      }
      const auto start = clock::now();
      std::string said = "it did not fail";
      try {
        static_cast<void>(world.split(0, world.rank()));
      } catch (const mics::transport_error& e) {
        if (world.rank() == 1) said = e.what();
      } catch (const mics::aborted_error& e) {
        if (world.rank() != 1) said = e.what();
      }
      ::setrlimit(RLIMIT_FSIZE, &usual);
      expect(has(said, "no shared memory"), said);
      expect(world.rank() == 1 || has(said, "rank 1 failed"), said);
      expect(clock::now() - start < 15s, "it does not take long");
      job.barrier();
    });
  }
}

TEST_CASE("what cannot work is refused with a reason") {
  if (!has_fabric()) return;
  const auto refused = [](const mics::libfabric::settings& chosen, const std::string& words) {
    const auto failures = failures_of(
        {2, 1}, [](communicator&, mics::bootstrap::session&) {}, chosen);
    REQUIRE(failures.size() == 2);
    for (const auto& failure : failures) CHECK_MESSAGE(has(failure.what, words), failure.what);
  };
  refused({.provider = "sockets"}, "takes milliseconds a message");
  refused({.provider = "nonsense"}, "libfabric has no provider for reliable datagrams; tried: nonsense");
  refused({.timeout = 0ms}, "a timeout of 0 ms");
}
