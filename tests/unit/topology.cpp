#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/topology.hpp>

namespace {

using ranks = std::vector<int>;

ranks list(const mics::rank_range& range) { return {range.begin(), range.end()}; }

/// The definitions of the vocabulary taken literally, with lists and searches; nothing is shared with the library.
class model {
 public:
  model(const std::vector<int>& ranks_per_node, int p) : p_(p) {
    for (std::size_t node = 0; node < ranks_per_node.size(); ++node) {
      for (int local = 0; local < ranks_per_node[node]; ++local) {
        node_.push_back(static_cast<int>(node));
        local_.push_back(local);
      }
    }
  }

  int size() const { return static_cast<int>(node_.size()); }
  int node(int rank) const { return node_[static_cast<std::size_t>(rank)]; }
  int local(int rank) const { return local_[static_cast<std::size_t>(rank)]; }

  template <class Keep> ranks where(Keep keep) const {
    ranks kept;
    for (int rank = 0; rank < size(); ++rank) {
      if (keep(rank)) kept.push_back(rank);
    }
    return kept;
  }

  ranks on_node(int n) const {
    return where([&](int other) { return node(other) == n; });
  }
  ranks partition(int rank) const {
    return where([&](int other) { return other / p_ == rank / p_; });
  }
  ranks replication(int rank) const {
    return where([&](int other) { return other % p_ == rank % p_; });
  }
  /// The ranks of one node inside the partition group, hierarchical or not.
  ranks company(int rank) const {
    return where([&](int other) { return other / p_ == rank / p_ && node(other) == node(rank); });
  }
  int place(int rank) const {
    const ranks group = company(rank);
    return static_cast<int>(std::find(group.begin(), group.end(), rank) - group.begin());
  }
  bool in_one_node(int rank) const { return static_cast<int>(company(rank).size()) == p_; }
  bool even(int rank) const {
    const ranks group = partition(rank);
    return std::all_of(group.begin(), group.end(),
                       [&](int other) { return company(other).size() == company(rank).size(); });
  }
  bool hierarchical(int rank) const { return !in_one_node(rank) && even(rank); }
  ranks node_group(int rank) const { return hierarchical(rank) ? company(rank) : partition(rank); }
  ranks rail_group(int rank) const {
    if (!hierarchical(rank)) return {rank};
    return where([&](int other) { return other / p_ == rank / p_ && place(other) == place(rank); });
  }
  bool some_flat() const {
    return !where([&](int rank) { return !in_one_node(rank) && !even(rank); }).empty();
  }

 private:
  int p_;
  std::vector<int> node_;
  std::vector<int> local_;
};

/// Every group tiles the world: each rank is in exactly the group that all its members name.
template <class Group> bool tiles(int world, Group group) {
  std::vector<int> covered(static_cast<std::size_t>(world));
  for (int rank = 0; rank < world; ++rank) {
    const mics::rank_range mine = group(rank);
    if (!mine.contains(rank)) return false;
    for (const int other : mine) {
      if (!(group(other) == mine)) return false;
    }
    if (mine[0] != rank) continue;
    for (const int other : mine) ++covered[static_cast<std::size_t>(other)];
  }
  return std::all_of(covered.begin(), covered.end(), [](int times) { return times == 1; });
}

void compare(const mics::topology& topology, const std::vector<int>& ranks_per_node, int p) {
  const model expected(ranks_per_node, p);
  const int world = expected.size();
  INFO(topology.describe());
  REQUIRE(topology.world_size() == world);
  REQUIRE(topology.nodes() == static_cast<int>(ranks_per_node.size()));
  REQUIRE(topology.partition_size() == p);
  REQUIRE(topology.replication_size() * p == world);
  const bool equal = std::all_of(ranks_per_node.begin(), ranks_per_node.end(),
                                 [&](int size) { return size == ranks_per_node.front(); });
  REQUIRE(topology.uniform_nodes() == equal);
  REQUIRE(topology.node_size() == (equal ? ranks_per_node.front() : 0));
  for (int node = 0; node < topology.nodes(); ++node) {
    REQUIRE(list(topology.ranks_of_node(node)) == expected.on_node(node));
  }
  for (int rank = 0; rank < world; ++rank) {
    INFO("rank " << rank);
    REQUIRE(topology.node_of(rank) == expected.node(rank));
    REQUIRE(topology.local_rank_of(rank) == expected.local(rank));
    REQUIRE(list(topology.partition_of(rank)) == expected.partition(rank));
    REQUIRE(list(topology.replication_of(rank)) == expected.replication(rank));
    REQUIRE(topology.partition_of(rank).index_of(rank) == topology.shard_of(rank));
    REQUIRE(topology.replication_of(rank).index_of(rank) == topology.partition_index_of(rank));
    REQUIRE(topology.hierarchy_of(rank).hierarchical() == expected.hierarchical(rank));
    REQUIRE(list(topology.node_group_of(rank)) == expected.node_group(rank));
    REQUIRE(list(topology.rail_group_of(rank)) == expected.rail_group(rank));
    REQUIRE(topology.hierarchy_of(rank).nodes == topology.rail_group_of(rank).size);
    REQUIRE(topology.hierarchy_of(rank).node_size == topology.node_group_of(rank).size);
    REQUIRE(topology.flat_reason(rank).empty() == (expected.in_one_node(rank) || expected.hierarchical(rank)));
  }
  REQUIRE(tiles(world, [&](int rank) { return topology.partition_of(rank); }));
  REQUIRE(tiles(world, [&](int rank) { return topology.replication_of(rank); }));
  REQUIRE(tiles(world, [&](int rank) { return topology.node_group_of(rank); }));
  REQUIRE(tiles(world, [&](int rank) { return topology.rail_group_of(rank); }));
  REQUIRE((topology.describe().find("\nflat: ") != std::string::npos) == expected.some_flat());
}

/// Rail x node group of any member covers its partition group exactly once: block (j, i) at slot j*k + i.
void check_slots(const mics::topology& topology) {
  for (int rank = 0; rank < topology.world_size(); ++rank) {
    const mics::rank_range partition = topology.partition_of(rank);
    const int k = topology.hierarchy_of(rank).node_size;
    std::vector<int> times(static_cast<std::size_t>(partition.size));
    const mics::rank_range rail = topology.rail_group_of(rank);
    for (int j = 0; j < rail.size; ++j) {
      const mics::rank_range group = topology.node_group_of(rail[j]);
      for (int i = 0; i < group.size; ++i) {
        REQUIRE(partition[j * k + i] == group[i]);
        REQUIRE(topology.shard_of(group[i]) == j * k + i);
        ++times[static_cast<std::size_t>(j * k + i)];
      }
    }
    REQUIRE(std::all_of(times.begin(), times.end(), [](int count) { return count == 1; }));
  }
}

template <class Wrong> std::string refusal(Wrong wrong) {
  try {
    static_cast<void>(wrong());
  } catch (const mics::topology_error& refused) {
    return refused.what();
  }
  return "accepted";
}

using mics::topology;
constexpr std::int64_t int_max = std::numeric_limits<int>::max();

}  // namespace

TEST_CASE("every uniform geometry of up to 16 ranks matches the definitions") {
  for (int world = 1; world <= 16; ++world) {
    for (int k = 1; k <= world; ++k) {
      std::vector<int> nodes(static_cast<std::size_t>(world / k), k);
      if (world % k != 0) nodes.push_back(world % k);
      for (int p = 1; p <= world; ++p) {
        if (world % p != 0) continue;
        compare(topology::uniform(world, k, p), nodes, p);
        check_slots(topology::uniform(world, k, p));
        REQUIRE(topology::uneven(nodes, p) == topology::uniform(world, k, p));
      }
    }
  }
}

TEST_CASE("every list of nodes of up to 10 ranks in total matches the definitions") {
  for (int world = 1; world <= 10; ++world) {
    // Bit i set: a node ends behind rank i. All 2^(N-1) ways to cut N ranks into nodes.
    for (unsigned cuts = 0; cuts < 1U << static_cast<unsigned>(world - 1); ++cuts) {
      std::vector<int> nodes{1};
      for (int rank = 1; rank < world; ++rank) {
        if ((cuts >> static_cast<unsigned>(rank - 1) & 1U) != 0) nodes.push_back(0);
        ++nodes.back();
      }
      for (int p = 1; p <= world; ++p) {
        if (world % p != 0) continue;
        compare(topology::uneven(nodes, p), nodes, p);
        check_slots(topology::uneven(nodes, p));
      }
    }
  }
}

TEST_CASE("long uneven lists, and runs of equal nodes between them") {
  const std::vector<int> nodes{4, 4, 4, 2, 2, 6, 6, 4, 4, 4, 4, 1, 3, 4, 8, 8};
  REQUIRE(std::accumulate(nodes.begin(), nodes.end(), 0) == 68);
  for (const int p : {1, 2, 4, 17, 34, 68}) {
    compare(topology::uneven(nodes, p), nodes, p);
    check_slots(topology::uneven(nodes, p));
  }
}

TEST_CASE("where nodes differ, a partition group on whole equal nodes is hierarchical and its neighbour may be flat") {
  const auto uneven = topology::uneven({4, 4, 3, 5}, 8);
  CHECK(uneven.hierarchy_of(0) == mics::hierarchy{2, 4});
  CHECK(uneven.flat_reason(7).empty());
  CHECK(uneven.hierarchy_of(8) == mics::hierarchy{1, 8});
  CHECK(uneven.flat_reason(8) ==
        "nodes differ in size, so ranks 8..15 lie unevenly on nodes 2 and 3: 3 on node 2, 5 on node 3");
  CHECK(list(uneven.rail_group_of(9)) == ranks{9});
}

TEST_CASE("a partition group may lie evenly on parts of nodes") {
  const auto parts = topology::uniform(12, 6, 4);
  CHECK(parts.hierarchy_of(0) == mics::hierarchy{1, 4});
  CHECK(parts.hierarchy_of(4) == mics::hierarchy{2, 2});
  CHECK(list(parts.rail_group_of(5)) == ranks{5, 7});
  CHECK(parts.flat_reason(4).empty());
}

TEST_CASE("a flat partition group says why") {
  CHECK(topology::uniform(12, 4, 6).flat_reason(8) ==
        "node size 4 does not divide partition size 6, so ranks 6..11 lie unevenly on nodes 1 and 2: "
        "2 on node 1, 4 on node 2");
  CHECK(topology::uniform(24, 8, 6).flat_reason(6) ==
        "partition size 6 does not divide node size 8, so ranks 6..11 lie unevenly on nodes 0 and 1: "
        "2 on node 0, 4 on node 1");
  CHECK(topology::uniform(10, 3, 10).flat_reason(0) ==
        "node size 3 does not divide partition size 10, so ranks 0..9 lie unevenly on nodes 0 to 3: "
        "3 on node 0, 1 on node 3");
  CHECK(topology::uneven({2, 2, 1, 3, 2}, 10).flat_reason(9) ==
        "nodes differ in size, so ranks 0..9 lie unevenly on nodes 0 to 4: 2 on node 0, 1 on node 2");
  CHECK(topology::uniform(16, 8, 8).flat_reason(0).empty());
  CHECK(topology::uniform(16, 1, 16).flat_reason(0).empty());
}

TEST_CASE("2^24 ranks answer as 8 do") {
  constexpr int world = 1 << 24;
  const auto large = topology::uniform(world, 8, 64);
  for (const int rank : {0, 1, 8, 63, 64, 12345678, world - 1}) {
    CHECK(large.node_of(rank) == rank / 8);
    CHECK(large.local_rank_of(rank) == rank % 8);
    CHECK(large.partition_of(rank) == mics::rank_range{rank / 64 * 64, 64, 1});
    CHECK(large.replication_of(rank) == mics::rank_range{rank % 64, world / 64, 64});
    CHECK(large.node_group_of(rank) == mics::rank_range{rank / 8 * 8, 8, 1});
    CHECK(large.rail_group_of(rank) == mics::rank_range{rank / 64 * 64 + rank % 8, 8, 8});
    CHECK(large.hierarchy_of(rank) == mics::hierarchy{8, 8});
    CHECK(large.replication_of(rank).index_of(rank) == rank / 64);
  }
}

TEST_CASE("the largest world a rank_t can number does not overflow") {
  const int world = std::numeric_limits<int>::max();
  const int last = world - 1;
  const auto whole = topology::uniform(world, 8, world);
  CHECK(whole.nodes() == (1 << 28));
  CHECK(whole.node_of(last) == (1 << 28) - 1);
  CHECK(whole.ranks_of_node(whole.nodes() - 1) == mics::rank_range{last - 6, 7, 1});
  CHECK(whole.partition_of(last).index_of(last) == last);
  CHECK(whole.hierarchy_of(last) == mics::hierarchy{1, world});
  CHECK(whole.flat_reason(last).find("8 on node 0, 7 on node 268435455") != std::string::npos);
  const auto one = topology::uniform(world, 1, 1);
  CHECK(one.replication_of(last).index_of(last) == last);
  CHECK(topology::uniform(world, 1, world).rail_group_of(last)[last] == last);
  const auto listed = topology::uneven({world - 1, 1}, world);
  CHECK(listed.node_of(last) == 1);
  CHECK(listed.local_rank_of(last - 1) == last - 1);
  CHECK(topology::uniform(8, world, 8).node_size() == 8);
}

TEST_CASE("wrong geometry is refused with the numbers and with what is allowed") {
  CHECK(refusal([] { return topology::uniform(16, 4, 6); }) ==
        "partition size 6 does not divide world size 16; allowed: 1, 2, 4, 8, 16");
  CHECK(refusal([] { return topology::uniform(16, 4, 32); }) ==
        "partition size 32 is larger than world size 16; allowed: 1, 2, 4, 8, 16");
  CHECK(refusal([] { return topology::uniform(36, 4, 0); }) ==
        "partition size 0 is not possible in world size 36; allowed: 1, 2, 3, 4, 6, 9, 12, 18, 36");
  CHECK(refusal([] { return topology::uniform(7, 4, -7); }) ==
        "partition size -7 is not possible in world size 7; allowed: 1, 7");
  CHECK(
      refusal([] { return topology::uniform(720720, 8, 17); }) ==
      "partition size 17 does not divide world size 720720; allowed: any divisor of 720720, the nearest are 16 and 18");
  CHECK(refusal([] { return topology::uniform(720720, 8, int_max); }) ==
        "partition size 2147483647 is larger than world size 720720; allowed: any divisor of 720720, the largest is "
        "720720");
  CHECK(refusal([] { return topology::uniform(720720, 8, -1); }) ==
        "partition size -1 is not possible in world size 720720; allowed: any divisor of 720720, the smallest is 1");
  CHECK(refusal([] { return topology::uniform(8, 4, int_max + 1 + 4); }).find("2147483652 is larger") !=
        std::string::npos);
  CHECK(refusal([] { return topology::uniform(0, 4, 1); }) == "world size 0 is not possible; allowed: 1 to 2147483647");
  CHECK(refusal([] { return topology::uniform(-8, 4, 1); }).find("world size -8 ") != std::string::npos);
  CHECK(refusal([] { return topology::uniform(int_max + 1, 4, 1); }) ==
        "world size 2147483648 is not possible; allowed: 1 to 2147483647");
  CHECK(refusal([] { return topology::uniform(8, 0, 1); }) == "node size 0 is not possible; allowed: 1 to 2147483647");
  CHECK(refusal([] { return topology::uniform(8, -4, 1); }).find("node size -4 ") != std::string::npos);
  CHECK(refusal([] { return topology::uniform(8, int_max * 4, 1); }).find("node size 8589934588 ") !=
        std::string::npos);
}

TEST_CASE("a wrong list of nodes is refused with the node") {
  CHECK(refusal([] { return topology::uneven({}, 1); }) ==
        "the list of ranks per node is empty; allowed: one entry or more, each 1 or more");
  CHECK(refusal([] {
          return topology::uneven({4, 0, 4}, 1);
        }) == "node 1 has 0 ranks in the list of ranks per node; allowed: 1 to 2147483647");
  CHECK(refusal([] { return topology::uneven({4, 4, -1}, 1); }).find("node 2 has -1 ranks") == 0);
  CHECK(refusal([] {
          return topology::uneven({1 << 30, 1 << 30}, 1);
        }) == "the ranks per node add up to 2147483648 at node 1; allowed: up to 2147483647 in total");
  CHECK(refusal([] {
          return topology::uneven({3, 5}, 3);
        }) == "partition size 3 does not divide world size 8; allowed: 1, 2, 4, 8");
}

TEST_CASE("questions about ranks and nodes that do not exist are refused") {
  const auto small = topology::uniform(8, 4, 4);
  const std::string beyond = "rank 8 is not in the world of 8 ranks; allowed: 0 to 7";
  CHECK(refusal([&] { return small.node_of(8); }) == beyond);
  CHECK(refusal([&] { return small.local_rank_of(8); }) == beyond);
  CHECK(refusal([&] { return small.partition_of(8); }) == beyond);
  CHECK(refusal([&] { return small.partition_index_of(8); }) == beyond);
  CHECK(refusal([&] { return small.shard_of(8); }) == beyond);
  CHECK(refusal([&] { return small.replication_of(8); }) == beyond);
  CHECK(refusal([&] { return small.node_group_of(8); }) == beyond);
  CHECK(refusal([&] { return small.rail_group_of(8); }) == beyond);
  CHECK(refusal([&] { return small.hierarchy_of(8); }) == beyond);
  CHECK(refusal([&] { return small.flat_reason(8); }) == beyond);
  CHECK(refusal([&] { return small.describe(8); }) == beyond);
  CHECK(refusal([&] { return small.node_of(-1); }).find("rank -1 is not in the world") == 0);
  CHECK(refusal([&] { return small.ranks_of_node(2); }) == "node 2 is not one of the 2 nodes; allowed: 0 to 1");
  CHECK(refusal([&] { return small.ranks_of_node(-1); }).find("node -1 is not one") == 0);
  CHECK(refusal([&] { return small.replication_of(1).index_of(2); }) == "rank 2 is not in the group of ranks 1, 5");
}

TEST_CASE("a range knows its members") {
  const mics::rank_range range{1, 3, 4};
  CHECK(list(range) == ranks{1, 5, 9});
  for (const int rank : {1, 5, 9}) CHECK(range[range.index_of(rank)] == rank);
  for (const int rank : {-3, 0, 2, 4, 13, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    CHECK_FALSE(range.contains(rank));
  }
  CHECK(mics::rank_range{3, 1, 8} == mics::rank_range{3, 1, 1});
  CHECK_FALSE(mics::rank_range{3, 2, 8} == mics::rank_range{3, 2, 1});
  CHECK_FALSE(mics::rank_range{3, 2, 1} == mics::rank_range{3, 3, 1});
  CHECK_FALSE(mics::rank_range{3, 2, 1} == mics::rank_range{2, 2, 1});
  CHECK(list(mics::rank_range{}).empty());
}

TEST_CASE("geometry prints as a few lines") {
  CHECK(topology::uniform(16, 4, 8).describe() ==
        "16 ranks on 4 nodes of 4 ranks\n"
        "partition groups: 2 of 8 ranks\n"
        "replication groups: 8 of 2 ranks");
  CHECK(topology::uniform(1, 1, 1).describe() ==
        "1 rank on 1 node of 1 rank\n"
        "partition groups: 1 of 1 rank\n"
        "replication groups: 1 of 1 rank");
  CHECK(topology::uneven({4, 4, 3, 5}, 8).describe() ==
        "16 ranks on 4 nodes (2 of 4, 1 of 3, 1 of 5 ranks)\n"
        "partition groups: 2 of 8 ranks\n"
        "replication groups: 8 of 2 ranks\n"
        "flat: partition group 1, because nodes differ in size, so ranks 8..15 lie unevenly on nodes 2 and 3: "
        "3 on node 2, 5 on node 3");
  CHECK(topology::uniform(10, 4, 2).describe().find("10 ranks on 3 nodes (2 of 4, 1 of 2 ranks)\n") == 0);
  CHECK(topology::uneven({1, 2, 3, 4, 5, 6, 7, 8}, 1)
            .describe()
            .find("36 ranks on 8 nodes (1 of 1, 1 of 2, 1 of 3, 1 of 4, 1 of 5, 1 of 6, ...)\n") == 0);
  CHECK(topology::uniform(64, 4, 16).describe(21) ==
        "rank 21: node 5, local rank 1, partition group 16..31, replication group 5, 21, 37, 53, "
        "node group 20..23, rail group 17, 21, 25, 29");
  CHECK(mics::rank_range{0, 1 << 18, 64}.describe() == "0, 64, .. 16777152 (262144 ranks)");
  CHECK(mics::rank_range{7, 1, 3}.describe() == "7");
  CHECK(mics::rank_range{}.describe() == "none");
}
