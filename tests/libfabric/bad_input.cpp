// Ranks that bring different things into one world: all of them hear which, and nothing is left running.

#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "ranks.hpp"

namespace {

using namespace mics::test;
using namespace std::chrono_literals;
using mics::bootstrap::session;
using clock = std::chrono::steady_clock;

/// What every rank of two nodes is told when rank 1 makes its world in another way.
void check_refused(const mics::libfabric::settings& usual, const mics::libfabric::settings& others,
                   const std::vector<std::string>& words) {
  const auto start = clock::now();
  try {
    mics::bootstrap::local::spawn(2,
                                  [&](session& job) {
                                    const auto world =
                                        mics::libfabric::make_world(job, job.rank() == 1 ? others : usual);
                                    job.barrier();
                                  },
                                  {.nodes = 2, .limit = 60s, .grace = 20s});
    FAIL("the ranks made a world");
  } catch (const mics::bootstrap::local::spawn_error& e) {
    REQUIRE(e.failures().size() == 2);
    for (const auto& failure : e.failures()) {
      CHECK(failure.signal == 0);
      for (const std::string& word : words) {
        CHECK_MESSAGE(failure.what.find(word) != std::string::npos, failure.what << " lacks " << word);
      }
    }
  }
  CHECK(clock::now() - start < 20s);
}

/// All ranks gather in a group of all, with the shape that this rank believes in.
void gather_on_nodes(const mics::libfabric::communicator& world, int node_size) {
  const auto group = world.split(0, world.rank());
  group.set_shape({group.rank(), group.size(), group.size() / node_size, node_size, {}});
  std::vector<int> shard(1000, world.rank()), full(4000);
  mics::all_gather(group, shard, full);
}

/// The same in the partition group, with the geometry that this rank believes in.
void gather_in_partition(const mics::libfabric::communicator& world, mics::group_options geometry) {
  auto groups = mics::groups(world, geometry);
  std::vector<int> shard(1000, world.rank()), full(1000 * static_cast<std::size_t>(groups.partition().size()));
  mics::all_gather(groups.partition(), shard, full);
}

}  // namespace

TEST_CASE("a provider that one rank does not have is an error on every rank, which names the rank") {
  if (!has_fabric()) return;
  check_refused({}, {.provider = "telepathy"}, {"rank 1 cannot join", "tried: telepathy"});
}

TEST_CASE("ranks that would move bytes in different ways are refused") {
  if (!has_fabric()) return;
  check_refused({}, {.one_sided = false}, {"the ranks found different providers", "without one-sided writes"});
}

TEST_CASE("geometries on which the ranks disagree, checked or not: all hear who says what, and can go on") {
  if (!has_fabric()) return;
  for (const bool checked : {false, true}) {
    for (const mics::group_options given :
         {mics::group_options{.node_size = 1}, mics::group_options{.partition_size = 2}}) {
      run_ranks({2, 2},
                [given](mics::libfabric::communicator& world, session&) {
                  std::string said;
                  try {
                    gather_in_partition(world, world.rank() == 3 ? given : mics::group_options{});
                  } catch (const mics::usage_error& e) {
                    said = e.what();
                  }
                  const std::string theirs =
                      given.node_size == 1 ? "4 nodes of 1, partition size 4" : "2 nodes of 2, partition size 2";
                  for (const std::string& words : {std::string("rank 0 says 4 ranks on 2 nodes of 2, partition size 4"),
                                                   "rank 3 says 4 ranks on " + theirs, std::string("[rank ")}) {
                    expect(said.find(words) != std::string::npos, words + " in: " + said);
                  }
                  gather_in_partition(world, {.partition_size = 2});
                },
                {.checked = checked});
    }
  }
}

TEST_CASE("shapes on which the ranks disagree: checked, all hear both; they can go on") {
  if (!has_fabric()) return;
  run_ranks({2, 2},
            [](mics::libfabric::communicator& world, session&) {
              try {
                gather_on_nodes(world, world.rank() == 3 ? 1 : 2);
                throw std::logic_error("it did not fail");
              } catch (const mics::usage_error& e) {
                const std::string said = e.what();
                expect(said.find("on 2 nodes") != std::string::npos && said.find("on 4 nodes") != std::string::npos &&
                           said.find("rank 3 calls") != std::string::npos,
                       said);
              }
              gather_on_nodes(world, 2);
            },
            {.checked = true});
}

TEST_CASE("shapes on which the ranks disagree: unchecked, all ranks end with an error by the deadline") {
  if (!has_fabric()) return;
  const auto failures = failures_of({2, 2},
                                    [](mics::libfabric::communicator& world, session& job) {
                                      const auto start = clock::now();
                                      try {
                                        gather_on_nodes(world, world.rank() == 3 ? 1 : 2);
                                      } catch (const mics::error& e) {
                                        expect(e.context().rank == world.rank(), e.what());
                                        expect(clock::now() - start < 10s, "it does not take long");
                                        throw;
                                      }
                                      job.barrier();
                                    },
                                    {.timeout = 1s, .checked = false});
  CHECK(failures.size() == 4);
  for (const auto& failure : failures) {
    INFO(failure.describe());
    CHECK(failure.signal == 0);
    CHECK(failure.what.find("not so") == std::string::npos);
  }
}

TEST_CASE(
    "unchecked, one rank's data go at once, the others send messages: all end with an error, long before the "
    "deadline") {
  if (!has_fabric()) return;
  const auto failures = failures_of({1, 3},
                                    [](mics::libfabric::communicator& world, session&) {
                                      const auto start = clock::now();
                                      std::vector<int> shard(world.rank() == 1 ? 10 : 10'000), full(3 * shard.size());
                                      try {
                                        mics::all_gather(world, shard, full);
                                      } catch (const mics::error&) {
                                        expect(clock::now() - start < 30s, "it does not take long");
                                        throw;
                                      }
                                    },
                                    {.timeout = 60s, .checked = false});
  CHECK(failures.size() == 3);
  std::string all;
  for (const auto& failure : failures) all += failure.describe() + "\n";
  INFO(all);
  CHECK(all.find("rank 1 shows 40 bytes") != std::string::npos);
  CHECK(all.find("not so") == std::string::npos);
}
