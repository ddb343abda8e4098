#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/bootstrap/local/options.hpp>
#include <mics/bootstrap/node_layout.hpp>

using mics::bootstrap::node_layout;
using list = std::vector<int>;

TEST_CASE("nodes are numbered in the order of their first ranks") {
  const auto found = node_layout::of({"b", "b", "a", "a", "a", "c"});
  CHECK(found.nodes() == 3);
  CHECK(found.node_of() == list{0, 0, 1, 1, 1, 2});
  CHECK(found.ranks_per_node() == list{2, 3, 1});
  CHECK(found.local_rank(0) == 0);
  CHECK(found.local_rank(4) == 2);
  CHECK(found.local_size(3) == 3);
  CHECK(found.local_size(5) == 1);
}

TEST_CASE("ranks dealt in turn have local ranks, but no list of ranks per node") {
  const auto found = node_layout::of({"a", "b", "a", "b"});
  CHECK(found.node_of() == list{0, 1, 0, 1});
  CHECK(found.local_rank(3) == 1);
  CHECK_THROWS_WITH_AS((void)found.ranks_per_node(), doctest::Contains("rank 2 lies on node 0, but rank 1 on node 1"),
                       mics::topology_error);
}

TEST_CASE("numbers out of order are refused") {
  CHECK_THROWS_AS(node_layout({1, 0}), mics::topology_error);
  CHECK_THROWS_AS(node_layout({0, 2}), mics::topology_error);
  CHECK_THROWS_AS(node_layout({0, -1}), mics::topology_error);
}

TEST_CASE("the nodes of spawned ranks must fit") {
  using mics::bootstrap::local::node_size_of;
  CHECK(node_size_of(6, {}) == 6);
  CHECK(node_size_of(6, {.nodes = 2}) == 3);
  CHECK(node_size_of(6, {.node_size = 2}) == 2);
  CHECK(node_size_of(6, {.nodes = 3, .node_size = 2}) == 2);
  CHECK_THROWS_AS(node_size_of(6, {.nodes = 4}), mics::topology_error);
  CHECK_THROWS_AS(node_size_of(6, {.node_size = 4}), mics::topology_error);
  CHECK_THROWS_AS(node_size_of(6, {.nodes = 2, .node_size = 2}), mics::topology_error);
  CHECK_THROWS_AS(node_size_of(6, {.nodes = -1}), mics::topology_error);
  CHECK_THROWS_AS(node_size_of(6, {.nodes = 7}), mics::topology_error);
  CHECK_THROWS_AS(node_size_of(0, {}), mics::topology_error);
}
