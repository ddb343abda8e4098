// The groups of a rank: who is in them, when they are made, and what they say of themselves.

#include <atomic>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

#include "../support/contains.hpp"
#include "../support/geometries.hpp"

namespace {

using mics::test::contains;
using mics::thread::communicator;

/// The members of a group, asked by communication: everyone gathers its number in the world.
template <class C> std::vector<int> members(const C& group, int world_rank) {
  std::vector<int> all(static_cast<std::size_t>(group.size()));
  mics::all_gather(group, std::vector<int>{world_rank}, all);
  return all;
}

std::vector<int> list(const mics::rank_range& ranks) { return {ranks.begin(), ranks.end()}; }

}  // namespace

TEST_CASE("every group of every geometry has the members that the topology names") {
  std::atomic<int> groups_checked{0};
  mics::test::for_each_cluster(16, [&](int world_size, int node_size) {
    auto cluster = mics::test::cluster_of(world_size, node_size);
    cluster.run([&](communicator& world) {
      const int me = world.rank();
      for (const int p : mics::test::divisors(world_size)) {
        auto groups = mics::groups(world, {.node_size = node_size, .partition_size = p});
        const auto& topology = groups.topology();
        const bool right = members(groups.world(), me) == list({0, world_size, 1}) &&
                           members(groups.partition(), me) == list(topology.partition_of(me)) &&
                           members(groups.replication(), me) == list(topology.replication_of(me)) &&
                           members(groups.node(), me) == list(topology.node_group_of(me)) &&
                           members(groups.rail(), me) == list(topology.rail_group_of(me));
        if (!right) FAIL_CHECK(groups.describe());
        const auto shape = groups.partition().shape();
        if (shape.nodes * shape.node_size != p || shape.nodes != topology.hierarchy_of(me).nodes ||
            shape.rank != topology.shard_of(me) || shape.flat_reason != topology.flat_reason(me)) {
          FAIL_CHECK("shape of " << groups.describe());
        }
        groups_checked += 5;
      }
    });
  });
  CHECK(groups_checked > 10'000);
}

TEST_CASE("groups are made at their first use, and counted") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 4});
  cluster.run([](communicator& world) {
    auto groups = mics::groups(world, {.partition_size = 8});
    CHECK(groups.created() == 0);
    static_cast<void>(groups.world());
    CHECK(groups.created() == 0);
    static_cast<void>(groups.replication());
    CHECK(groups.created() == 1);
    static_cast<void>(groups.replication());
    CHECK(groups.created() == 1);
    static_cast<void>(groups.node());  // made out of the partition, hence two
    CHECK(groups.created() == 3);
    static_cast<void>(groups.partition());
    CHECK(groups.created() == 3);
    static_cast<void>(groups.rail());
    CHECK(groups.created() == 4);
    CHECK(contains(groups.describe(), "communicators made: 4"));
  });
}

TEST_CASE("groups are prepared before their first use") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 4});
  cluster.run([](communicator& world) {
    auto groups = mics::groups(world, {.partition_size = 4});
    groups.prepare();
    groups.prepare();
    CHECK(groups.created() == 2);
    CHECK(groups.partition().size() == 4);
    CHECK(groups.replication().size() == 2);
    groups.prepare(mics::group_kind::rail);
    CHECK(groups.created() == 3);
  });
}

TEST_CASE("making groups moves nothing") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  cluster.run([](communicator& world) {
    const auto groups = mics::groups(world, {.partition_size = 2});
    CHECK(groups.topology().partition_size() == 2);
  });
  CHECK(cluster.traffic().slow() + cluster.traffic().fast() == 0);
}

TEST_CASE("the node size comes from the transport, the partition size is the world, unless given") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 3});
  cluster.run([](communicator& world) {
    CHECK(mics::groups(world).topology() == mics::topology::uniform(6, 3, 6));
    CHECK(mics::groups(world, {.partition_size = 2}).topology() == mics::topology::uniform(6, 3, 2));
    CHECK(mics::groups(world, {.node_size = 2}).topology() == mics::topology::uniform(6, 2, 6));
    const auto given = mics::topology::uneven({2, 4}, 3);
    CHECK(mics::groups(world, given).topology() == given);
  });
}

TEST_CASE("uneven nodes are known from the transport too") {
  mics::thread::cluster cluster({.ranks_per_node = {4, 2, 2}});
  cluster.run([](communicator& world) {
    auto groups = mics::groups(world, {.partition_size = 4});
    CHECK(groups.topology() == mics::topology::uneven({4, 2, 2}, 4));
    CHECK(groups.partition().shape().nodes == (world.rank() < 4 ? 1 : 2));
    const auto flat = mics::groups(world, {.partition_size = 8});
    CHECK_FALSE(flat.topology().flat_reason(0).empty());
  });
}

TEST_CASE("groups have names, and say where this rank is") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  cluster.run([](communicator& world) {
    auto groups = mics::groups(world);
    CHECK(world.name() == "world");
    CHECK(groups.partition().name() == "partition {0..3}");
    if (world.rank() != 3) return;
    const std::string text = groups.describe();
    CHECK(contains(text, "rank 3: node 1, local rank 1"));
    CHECK(contains(text, "partition group 0..3"));
    CHECK(contains(text, "rail group 1, 3"));
    CHECK(contains(text, "communicators made: 1"));
  });
}

TEST_CASE("a partition that nodes cut unevenly is flat, and its plan says why") {
  mics::thread::cluster cluster({.ranks_per_node = {3, 5}});
  cluster.run([](communicator& world) {
    auto groups = mics::groups(world, mics::topology::uneven({3, 5}, 8));
    const auto partition = groups.partition();
    const std::string reason = partition.shape().flat_reason;
    CHECK_FALSE(reason.empty());
    CHECK(contains(mics::plan_for(partition, mics::operation::all_gather, 1 << 20).describe(), reason));
    const mics::collective_options options{.how = mics::algorithm::hierarchical};
    std::vector<int> full(8);
    CHECK_THROWS_WITH_AS(mics::all_gather(partition, std::vector<int>(1), full, options),
                         doctest::Contains(reason.c_str()), mics::usage_error);
    CHECK(members(groups.node(), world.rank()) == list({0, 8, 1}));
    CHECK(members(groups.rail(), world.rank()) == std::vector<int>{world.rank()});
  });
}

TEST_CASE("a geometry on which the ranks disagree is refused on all of them, which can go on") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 4});
  for (const auto& theirs :
       {mics::topology::uniform(8, 2, 4), mics::topology::uniform(8, 4, 8), mics::topology::uneven({4, 3, 1}, 4)}) {
    cluster.run([&](communicator& world) {
      const auto ours = mics::topology::uniform(8, 4, 4);
      auto disagreeing = mics::groups(world, world.rank() == 5 ? theirs : ours);
      const std::string two = "rank 0 says " + ours.digest().describe() + ", rank 5 says " + theirs.digest().describe();
      CHECK_THROWS_WITH_AS(static_cast<void>(disagreeing.replication()), doctest::Contains(two.c_str()),
                           mics::usage_error);
      CHECK(disagreeing.created() == 0);
      auto agreeing = mics::groups(world, ours);
      CHECK(members(agreeing.partition(), world.rank()) == list(ours.partition_of(world.rank())));
    });
  }
}

TEST_CASE("nodes of different sizes on which the ranks disagree in their order alone") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 6});
  cluster.run([](communicator& world) {
    const std::vector<int> sizes = world.rank() == 1 ? std::vector{2, 3, 1} : std::vector{3, 2, 1};
    auto groups = mics::groups(world, mics::topology::uneven(sizes, 3));
    CHECK_THROWS_WITH_AS(groups.prepare(), doctest::Contains("rank 1 says the same, but other ranks on them"),
                         mics::usage_error);
  });
}

TEST_CASE("a geometry that cannot exist is refused with its numbers, before anything is made") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 4});
  cluster.run([](communicator& world) {
    CHECK_THROWS_WITH_AS(mics::groups(world, {.partition_size = 3}), doctest::Contains("3"), mics::topology_error);
    CHECK_THROWS_WITH_AS(mics::groups(world, {.partition_size = 8}), doctest::Contains("8"), mics::topology_error);
    CHECK_THROWS_WITH_AS(mics::groups(world, mics::topology::uniform(6, 3, 2)),
                         doctest::Contains("topology of 6 ranks for a world of 4"), mics::topology_error);
  });
}
