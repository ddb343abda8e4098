// What happens when a rank fails, does not come, or comes too late: no hang, and everyone learns who and where.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

#include "../support/contains.hpp"

namespace {

using namespace std::chrono_literals;
using mics::aborted_error;
using mics::timeout_error;
using mics::test::contains;
using mics::thread::communicator;

constexpr std::size_t large_block = 1000;  // too large for a message's slot: senders wait for their readers

void gather_large(const communicator& world, const mics::collective_options& options = {}) {
  std::vector<int> shard(large_block), full(large_block * static_cast<std::size_t>(world.size()));
  mics::all_gather(world, shard, full, options);
}

void check_works(mics::thread::cluster& cluster) {
  std::atomic<int> done{0};
  cluster.run([&](communicator& world) {
    gather_large(world);
    const auto half = world.split(world.rank() % 2, 0);
    mics::barrier(half);
    ++done;
  });
  CHECK(done == cluster.size());
}

}  // namespace

TEST_CASE("an exception in one rank ends the others with an error that names it, whatever they do") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 4});
  for (const bool checked : {false, true}) {
    for (const auto how : {mics::algorithm::direct, mics::algorithm::ring, mics::algorithm::hierarchical}) {
      std::atomic<int> named{0};
      CHECK_THROWS_WITH_AS(cluster.run([&](communicator& world) {
        const mics::collective_options options{.how = how, .checked = checked};
        try {
          gather_large(world, options);
          if (world.rank() == 5) throw std::runtime_error("out of cheese");
          gather_large(world, options);  // most are here by then, some still in the first one
        } catch (const aborted_error& e) {
          if (contains(e.what(), "rank 5 failed: out of cheese") && e.context().rank == world.rank() &&
              e.context().operation == "all_gather" && e.context().sequence <= 2 && e.context().group == "world") {
            ++named;
          }
          throw;
        }
      }),
                           "out of cheese", std::runtime_error);
      CHECK(named == 7);
      check_works(cluster);
    }
  }
}

TEST_CASE("ranks that wait in a stream, in a split or in another group end too") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 4});
  std::atomic<int> ready{0}, ended{0};
  CHECK_THROWS_WITH_AS(cluster.run([&](communicator& world) {
    const auto others = world.split(world.rank() == 3 ? 1 : 0, 0);
    const auto spare = world.split(0, 0);
    if (world.rank() == 3) {
      while (ready < 3) std::this_thread::yield();
      throw std::logic_error("gone");
    }
    ++ready;
    std::vector<int> shard(large_block), full(3 * large_block), whole(4 * large_block);
    mics::thread::stream s;
    try {
      if (world.rank() == 0) {
        mics::all_gather(world, shard, whole, s);
        s.synchronize();
      } else if (world.rank() == 1) {
        static_cast<void>(spare.split(0, 0));
      } else {
        gather_large(others);  // neither 0 nor 1 comes
      }
    } catch (const aborted_error& e) {
      if (contains(e.what(), "rank 3 failed: gone")) ++ended;
    }
  }),
                       "gone", std::logic_error);
  CHECK(ended == 3);
  check_works(cluster);
}

TEST_CASE("an exception of any type is rethrown as it is") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2});
  std::string told;
  CHECK_THROWS_AS(cluster.run([&](communicator& world) {
    if (world.rank() == 0) throw 42;
    try {
      gather_large(world);
    } catch (const aborted_error& e) {
      told = e.what();
    }
  }),
                  int);
  CHECK(contains(told, "rank 0 failed: an exception of an unknown type"));
  check_works(cluster);
}

TEST_CASE("a rank's own mistake is rethrown, the others are aborted") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 3});
  std::atomic<int> aborted{0};
  CHECK_THROWS_AS(cluster.run([&](communicator& world) {
    std::vector<int> shard(large_block), full(3 * large_block);
    if (world.rank() == 1) full.pop_back();
    try {
      mics::all_gather(world, shard, full);
    } catch (const aborted_error&) {
      ++aborted;
    }
  }),
                  mics::usage_error);
  CHECK(aborted == 2);
}

TEST_CASE("a peer that does not come in time: the error names the rank, the operation, its number and the stage") {
  for (const bool checked : {false, true}) {
    mics::thread::cluster cluster({.nodes = 1, .node_size = 2, .checked = checked});
    mics::error_context where;
    std::string said;
    CHECK_THROWS_AS(cluster.run([&](communicator& world) {
      gather_large(world);
      if (world.rank() == 1) return;
      try {
        gather_large(world, {.timeout = 200ms});
      } catch (const timeout_error& e) {
        where = e.context();
        said = e.what();
        throw;
      }
    }),
                    timeout_error);
    CHECK(where.rank == 0);
    CHECK(where.group == "world");
    CHECK(where.operation == "all_gather");
    CHECK(where.sequence == 2);
    CHECK(contains(where.stage, "waiting for the data of rank 1"));
    CHECK(contains(said, "no progress for 200 ms [rank 0, group world, all_gather #2, "));
    check_works(cluster);
  }
}

TEST_CASE("the peer is named by its number in the world") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  std::string said;
  CHECK_THROWS_AS(cluster.run([&](communicator& world) {
    const auto rail = world.split(world.rank() % 2, 0, "rails");
    if (world.rank() != 1) return;
    try {
      gather_large(rail, {.timeout = 200ms});
    } catch (const timeout_error& e) {
      said = e.what();
      throw;
    }
  }),
                  timeout_error);
  CHECK(contains(said, "rank 1, group rails"));
  CHECK(contains(said, "data of rank 3"));
}

TEST_CASE("the cluster's deadline holds for calls without one") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2, .timeout = 150ms});
  CHECK_THROWS_WITH_AS(cluster.run([](communicator& world) {
    if (world.rank() == 0) mics::barrier(world);
  }),
                       doctest::Contains("no progress for 150 ms"), timeout_error);
}

TEST_CASE("a call may have a deadline of its own") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2, .timeout = 1h});
  CHECK_THROWS_WITH_AS(cluster.run([](communicator& world) {
    if (world.rank() == 0) mics::barrier(world, {.timeout = 150ms});
  }),
                       doctest::Contains("no progress for 150 ms"), timeout_error);
}

TEST_CASE("a slow rank that comes in time does no harm, however long the whole takes") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2});
  cluster.run([](communicator& world) {
    for (int i = 0; i < 4; ++i) {
      if (world.rank() == 1) std::this_thread::sleep_for(60ms);
      gather_large(world);
    }
  });
}

TEST_CASE("after a failure the group throws at every call, and other groups work") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2});
  cluster.run([](communicator& world) {
    const auto spare = world.split(0, world.rank());
    if (world.rank() == 0) CHECK_THROWS_AS(gather_large(world, {.timeout = 200ms}), timeout_error);
    mics::barrier(spare);
    for (int i = 0; i < 2; ++i) {
      CHECK_THROWS_WITH_AS(gather_large(world), doctest::Contains("an operation of this group failed: no progress"),
                           aborted_error);
      CHECK_THROWS_AS(mics::barrier(world), aborted_error);
      CHECK_THROWS_AS(static_cast<void>(world.split(0, 0)), aborted_error);
    }
    gather_large(spare);
  });
}

TEST_CASE("a failure in a stream is thrown by synchronize, by events, and by streams that wait for them") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2});
  std::atomic<int> thrown{0};
  cluster.run([&](communicator& world) {
    if (world.rank() == 1) return;
    std::vector<int> shard(large_block), full(2 * large_block);
    mics::thread::stream s, later;
    mics::all_gather(world, shard, full, s, {.timeout = 200ms});
    later.wait(s.record());
    const auto count = [&](auto wait) {
      try {
        wait();
      } catch (const timeout_error& e) {
        if (contains(e.what(), "all_gather #1")) ++thrown;
      }
    };
    count([&] { s.synchronize(); });
    count([&] { s.record().synchronize(); });
    count([&] { later.synchronize(); });
    CHECK_THROWS_AS(mics::barrier(world), aborted_error);
  });
  CHECK(thrown == 3);
  check_works(cluster);
}

TEST_CASE("what is enqueued behind a failed operation does not run, and does not hang") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2});
  cluster.run([&](communicator& world) {
    if (world.rank() == 1) return;
    std::vector<int> shard(large_block), full(2 * large_block);
    bool ran = false;
    mics::thread::stream s;
    for (int i = 0; i < 5; ++i) mics::all_gather(world, shard, full, s, {.timeout = 200ms});
    s.enqueue([&] { ran = true; });
    CHECK_THROWS_AS(s.synchronize(), timeout_error);
    CHECK_FALSE(ran);
  });
}

TEST_CASE("an operation before the one that failed still ends well, on every rank") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2});
  std::atomic<int> fine{0};
  std::atomic<bool> skipped{false};
  cluster.run([&](communicator& world) {
    std::vector<int> shard(large_block, world.rank()), first(2 * large_block), second(2 * large_block);
    mics::thread::stream good, bad;
    if (world.rank() == 0) bad.enqueue([] { throw std::runtime_error("no input"); });
    while (world.rank() == 1 && !skipped) std::this_thread::yield();  // so the first operation is under way till then
    mics::all_gather(world, shard, first, good);
    mics::all_gather(world, shard, second, bad);
    if (world.rank() == 0) {
      CHECK_THROWS_WITH_AS(bad.synchronize(), "no input", std::runtime_error);
      skipped = true;
    } else {
      CHECK_THROWS_WITH_AS(bad.synchronize(), doctest::Contains("rank 0 failed: no input"), aborted_error);
    }
    good.synchronize();
    if (first.back() == 1) ++fine;
    CHECK_THROWS_AS(gather_large(world), aborted_error);
  });
  CHECK(fine == 2);
}

TEST_CASE("buffers may be freed as soon as a failed call has thrown: nobody reads them any more") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 4});
  for (int i = 0; i < 20; ++i) {
    CHECK_THROWS_AS(cluster.run([&](communicator& world) {
      for (int call = 0;; ++call) {
        if (world.rank() == i % 8 && call == 3) throw std::runtime_error("enough");
        gather_large(world,
                     {.how = mics::algorithm::hierarchical, .chunk_bytes = 256});  // its buffers go with the exception
      }
    }),
                    std::runtime_error);
  }
}

TEST_CASE("of several ranks that fail one is rethrown, never a consequence") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 8, .checked = false});
  for (int i = 0; i < 5; ++i) {
    CHECK_THROWS_AS(cluster.run([](communicator& world) {
      if (world.rank() != 7) gather_large(world, {.timeout = 200ms});
    }),
                    timeout_error);
    CHECK_THROWS_AS(cluster.run([](communicator& world) {
      std::vector<int> shard(world.rank() == 3 ? 10 : 11), full(shard.size() * 8);
      mics::all_gather(world, shard, full);
    }),
                    mics::usage_error);
  }
}
