#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "ranks.hpp"

using namespace mics;
using namespace std::chrono_literals;
using mics::bootstrap::session;
using mics::test::await_failure;
using mics::test::check_all_ended_well;
using mics::test::contains;
using mics::test::expect;
using mics::test::job;

TEST_CASE("a connection that breaks is a failure that all ranks see, with its rank") {
  for (const int victim : {0, 2, 4}) {
    CAPTURE(victim);
    job work(5);
    std::atomic<int> hooks = 0;
    check_all_ended_well(test::outcomes(5, [&](int rank) {
      if (rank == victim && rank != 0) {
        (void)work.join_bare(rank);  // dropped at once
        return;
      }
      if (rank == victim) {
        bootstrap::detail::server gathering(work.door, 5, bootstrap::detail::key_of("the secret of a test"), "bare",
                                            bootstrap::detail::clock::now() + 30s);
        auto met = gathering.gather();
        for (auto& each : met.seats) each.connection.write();
        return;
      }
      session world = work.join(rank);
      std::atomic<int> told = -1;
      world.on_failure([&](int failed, const std::string& why) {
        told = failed;
        if (!why.empty()) ++hooks;
      });
      const auto seen = await_failure(world);
      expect(seen.rank == victim, "the rank is named: " + std::to_string(seen.rank));
      const std::string refused = test::outcomes(1, [&](int) { world.barrier(); })[0];
      expect(contains(refused, "aborted_error: rank " + std::to_string(victim) + " has failed"), refused);
      world.close();
      expect(told == victim, "the hook was called");
    }));
    CHECK(hooks == 4);
  }
}

TEST_CASE("an operation under way ends when a rank fails") {
  job work(4);
  const auto ended = test::outcomes(4, [&](int rank) {
    session world = work.join(rank);
    if (rank == 3) {
      std::this_thread::sleep_for(20ms);
      world.abort("the disk is full");
      (void)await_failure(world);
    }
    world.barrier();
  });
  for (const std::string& said : ended) {
    CHECK(contains(said, "aborted_error: rank 3 has failed: the disk is full"));
    CHECK(contains(said, "barrier #1"));
  }
}

TEST_CASE("rank 0 that fails is named too") {
  job work(3);
  const auto ended = test::outcomes(3, [&](int rank) {
    session world = work.join(rank);
    if (rank == 0) return world.abort("no memory");
    world.barrier();
  });
  CHECK(ended[0] == "");
  for (const int rank : {1, 2}) CHECK(contains(ended[static_cast<std::size_t>(rank)], "rank 0 has failed: no memory"));
}

TEST_CASE("the first failure counts, on every rank") {
  job work(4);
  check_all_ended_well(test::outcomes(4, [&](int rank) {
    session world = work.join(rank);
    world.barrier();
    if (rank == 1) world.abort("first");
    const auto first = await_failure(world);
    world.abort("later");
    const auto seen = await_failure(world);
    expect(first.rank == 1 && seen.rank == 1 && seen.why == "first", "it is still the first");
  }));
}

TEST_CASE("a session that an exception leaves is a failure; one that is closed is none") {
  job work(3);
  const auto ended = test::outcomes(3, [&](int rank) {
    session world = work.join(rank);
    world.barrier();
    if (rank == 1) throw std::runtime_error("out of here");
    expect(await_failure(world).rank == 1, "it is named");
  });
  CHECK(ended[0] == "");
  CHECK(ended[1] == "exception: out of here");
  CHECK(ended[2] == "");
}

TEST_CASE("to close in order is no failure, whoever closes first") {
  for (const int first : {0, 1, 3}) {
    CAPTURE(first);
    job work(4);
    std::atomic<int> hooks = 0;
    std::atomic<int> closed = 0;
    check_all_ended_well(test::outcomes(4, [&](int rank) {
      session world = work.join(rank);
      world.on_failure([&](int, const std::string&) { ++hooks; });
      world.barrier();
      if (rank == first) {
        world.close();
        world.close();  // once more does nothing
        closed = 1;
        const std::string after = test::outcomes(1, [&](int) { world.barrier(); })[0];
        expect(contains(after, "usage_error: the session of this rank is closed"), after);
      } else {
        while (closed == 0) std::this_thread::sleep_for(1ms);
        std::this_thread::sleep_for(20ms);
      }
      expect(!world.failure(), "nobody has failed");
    }));
    CHECK(hooks == 0);
  }
}

TEST_CASE("who waits for a rank that has closed is told so at once") {
  for (const int first : {0, 2}) {
    CAPTURE(first);
    job work(3);
    const auto ended = test::outcomes(3, [&](int rank) {
      session world = work.join(rank);
      if (rank == first) return world.close();
      world.barrier();
    });
    for (int rank = 0; rank < 3; ++rank) {
      const std::string& said = ended[static_cast<std::size_t>(rank)];
      CAPTURE(said);
      if (rank == first) CHECK(said == "");
      if (rank == first) continue;
      CHECK(said.starts_with("aborted_error: "));
      CHECK(contains(said, "rank " + std::to_string(first) + " has closed its session"));  // maybe by way of rank 0
    }
  }
}

TEST_CASE("ranks that do not come to an operation are named at its deadline") {
  for (const int late : {0, 2}) {
    CAPTURE(late);
    job work(4);
    std::atomic<int> done = 0;
    check_all_ended_well(test::outcomes(4, [&](int rank) {
      session world = work.join(rank);
      world.barrier();
      while (rank == late && done < 3) std::this_thread::sleep_for(1ms);
      const std::string said = test::outcomes(1, [&](int) { (void)world.all_gather(rank, 1s); })[0];
      ++done;
      while (done < 4) std::this_thread::sleep_for(1ms);  // nobody closes before all have their answers
      const std::string missed = "rank " + std::to_string(late) + " has not come to the all_gather in time";
      expect(contains(said, rank == late ? "aborted_error: an earlier operation has failed: " + missed
                                         : "timeout_error: " + missed),
             said);
    }));
  }
}

TEST_CASE("ranks that call different operations, or types, are told which") {
  job work(3);
  check_all_ended_well(test::outcomes(3, [&](int rank) {
    session world = work.join(rank);
    const std::string calls = test::outcomes(1, [&](int) {
      if (rank == 2) {
        (void)world.broadcast(rank, 1);
      } else {
        world.barrier();
      }
    })[0];
    expect(contains(calls, "usage_error: the ranks disagree: rank 0 calls barrier, but rank 2 calls broadcast from"),
           calls);
    const std::string types = test::outcomes(1, [&](int) {
      if (rank == 0) {
        (void)world.all_gather(1.5);
      } else {
        (void)world.all_gather(rank);
      }
    })[0];
    expect(contains(types, rank == 0 ? "rank 1 gave a value of 4 bytes, this rank's has 8"
                                     : "rank 0 gave a value of 8 bytes, this rank's has 4"),
           types);
    const std::string root = test::outcomes(1, [&](int) { (void)world.broadcast(1, 3); })[0];
    expect(contains(root, "root 3 is not a rank; allowed: 0 to 2"), root);
    expect(contains(test::outcomes(1, [&](int) { world.barrier(-1ms); })[0], "a timeout of -1 ms"), "timeouts");
    world.barrier();
  }));
}

TEST_CASE("a hook that comes late is called at once; one cannot close the session") {
  job work(2);
  check_all_ended_well(test::outcomes(2, [&](int rank) {
    session world = work.join(rank);
    std::atomic<bool> refused = false;
    world.on_failure([&](int, const std::string&) {
      try {
        world.close();
      } catch (const usage_error&) {
        refused = true;
      }
    });
    world.barrier();
    if (rank == 1) world.abort("over");
    (void)await_failure(world);
    while (!refused) std::this_thread::sleep_for(1ms);
    int told = -1;
    world.on_failure([&](int failed, const std::string&) { told = failed; });
    expect(told == 1, "here and now");
  }));
}
