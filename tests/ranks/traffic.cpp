// Bytes over the slow links, counted message by message: exactly what the formulas, the plans and the layouts say.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

#include "../support/geometries.hpp"

namespace {

using mics::algorithm;
using mics::operation;
using world_type = mics::thread::communicator;

constexpr std::size_t block = 600;  ///< elements of one byte

mics::traffic traffic_of(mics::thread::cluster& cluster, const std::function<void(world_type&)>& body) {
  cluster.reset_traffic();
  cluster.run([&](world_type& world) { body(world); });
  return cluster.traffic();
}

std::vector<std::byte> bytes(std::size_t count) { return std::vector<std::byte>(count); }

void gather(const world_type& world, const mics::collective_options& options) {
  auto full = bytes(block * static_cast<std::size_t>(world.size()));
  mics::all_gather(world, bytes(block), full, options);
}
void scatter(const world_type& world, const mics::collective_options& options) {
  auto shard = bytes(block);
  mics::reduce_scatter(world, bytes(block * static_cast<std::size_t>(world.size())), shard, mics::reduction::sum,
                       options);
}
void reduce(const world_type& world, const mics::collective_options& options) {
  auto data = bytes(block * static_cast<std::size_t>(world.size()));
  mics::all_reduce(world, data, data, mics::reduction::sum, options);
}

/// Calls f(n, k, M) for every partition of n > 1 nodes with up to 16 ranks.
template <class F> void for_each_spread(F f) {
  for (int nodes = 2; nodes <= 16; ++nodes) {
    for (int node_size = 1; nodes * node_size <= 16; ++node_size) {
      f(nodes, node_size, block * static_cast<std::size_t>(nodes * node_size));
    }
  }
}

}  // namespace

TEST_CASE("hierarchical: (p-k)/p of M into and out of every node, twice for all-reduce") {
  for_each_spread([](int nodes, int node_size, std::size_t m) {
    const auto p = static_cast<std::size_t>(nodes * node_size), k = static_cast<std::size_t>(node_size);
    const std::size_t expected = m * (p - k) / p;
    auto cluster = mics::test::cluster_of(nodes * node_size, node_size);
    const mics::collective_options options{.how = algorithm::hierarchical, .chunk_bytes = 128};
    const auto moved = traffic_of(cluster, [&](world_type& world) {
      gather(world, options);
      scatter(world, options);
      reduce(world, options);
    });
    CAPTURE(nodes);
    CAPTURE(node_size);
    REQUIRE(moved.nodes() == nodes);
    for (int node = 0; node < nodes; ++node) {
      CHECK(moved.into_node(node, operation::all_gather) == expected);
      CHECK(moved.into_node(node, operation::reduce_scatter) == expected);
      CHECK(moved.into_node(node, operation::all_reduce) == 2 * expected);
      CHECK(moved.out_of_node(node, operation::all_gather) == expected);
      CHECK(moved.out_of_node(node, operation::reduce_scatter) == expected);
      CHECK(moved.out_of_node(node, operation::all_reduce) == 2 * expected);
      CHECK(moved.into_node(node) == 4 * expected);
      CHECK(moved.out_of_node(node) == 4 * expected);
    }
    CHECK(moved.busiest_in() == 4 * expected);
    CHECK(moved.slow() == 4 * expected * static_cast<std::size_t>(nodes));
  });
}

TEST_CASE("flat ring: (p-1)/p of M into every node, twice for all-reduce") {
  for_each_spread([](int nodes, int node_size, std::size_t m) {
    const auto p = static_cast<std::size_t>(nodes * node_size);
    const std::size_t expected = m * (p - 1) / p;
    auto cluster = mics::test::cluster_of(nodes * node_size, node_size);
    const mics::collective_options options{.how = algorithm::ring, .chunk_bytes = 128};
    const auto moved = traffic_of(cluster, [&](world_type& world) {
      gather(world, options);
      scatter(world, options);
      reduce(world, options);
    });
    CAPTURE(nodes);
    CAPTURE(node_size);
    for (int node = 0; node < nodes; ++node) {
      CHECK(moved.into_node(node, operation::all_gather) == expected);
      CHECK(moved.into_node(node, operation::reduce_scatter) == expected);
      CHECK(moved.into_node(node, operation::all_reduce) == 2 * expected);
    }
    CHECK(moved.fast() == 4 * (p * expected) - moved.slow());
  });
}

TEST_CASE("broadcast enters each node once") {
  for_each_spread([](int nodes, int node_size, std::size_t m) {
    auto cluster = mics::test::cluster_of(nodes * node_size, node_size);
    const int root = nodes * node_size - 1;
    const auto moved = traffic_of(cluster, [&](world_type& world) {
      auto data = bytes(m);
      mics::broadcast(world, data, root, {.how = algorithm::hierarchical});
    });
    for (int node = 0; node < nodes; ++node) {
      CHECK(moved.into_node(node, operation::broadcast) == (node == nodes - 1 ? 0 : m));
    }
    CHECK(moved.fast() == static_cast<std::size_t>(nodes * (node_size - 1)) * m);
  });
}

TEST_CASE("the plan says what will move, for every algorithm") {
  for_each_spread([](int nodes, int node_size, std::size_t m) {
    auto cluster = mics::test::cluster_of(nodes * node_size, node_size);
    for (const auto what : {operation::all_gather, operation::reduce_scatter, operation::all_reduce}) {
      for (const auto how : {algorithm::automatic, algorithm::direct, algorithm::ring, algorithm::hierarchical}) {
        std::vector<mics::node_volume> planned(static_cast<std::size_t>(nodes));
        const auto moved = traffic_of(cluster, [&](world_type& world) {
          const auto plan = mics::plan_for(world, what, m, how);
          if (world.shape().local_rank() == 0) {
            planned[static_cast<std::size_t>(world.shape().node())] = plan.volume_into_node();
          }
          const mics::collective_options options{.how = how};
          if (what == operation::all_gather) gather(world, options);
          if (what == operation::reduce_scatter) scatter(world, options);
          if (what == operation::all_reduce) reduce(world, options);
        });
        INFO(name_of(what) << " " << name_of(how) << " on " << nodes << " x " << node_size);
        std::size_t fast = 0;
        for (int node = 0; node < nodes; ++node) {
          CHECK(moved.into_node(node) == planned[static_cast<std::size_t>(node)].slow);
          fast += planned[static_cast<std::size_t>(node)].fast;
        }
        CHECK(moved.fast() == fast);
      }
    }
  });
}

TEST_CASE("uneven counts: exactly the blocks of the other nodes come in") {
  for_each_spread([](int nodes, int node_size, std::size_t) {
    std::vector<std::size_t> counts;
    for (int r = 0; r < nodes * node_size; ++r) counts.push_back(static_cast<std::size_t>(r % 4 == 1 ? 0 : 100 + r));
    const std::size_t all = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
    auto cluster = mics::test::cluster_of(nodes * node_size, node_size);
    const mics::collective_options options{.how = algorithm::hierarchical, .chunk_bytes = 64};
    const auto moved = traffic_of(cluster, [&](world_type& world) {
      std::vector<float> full(all), shard(counts[static_cast<std::size_t>(world.rank())]);
      mics::all_gather_v(world, shard, full, counts, options);
      mics::reduce_scatter_v(world, full, shard, counts, mics::reduction::sum, options);
    });
    for (int node = 0; node < nodes; ++node) {
      const auto first = counts.begin() + node * node_size;
      const std::size_t own = std::accumulate(first, first + node_size, std::size_t{0});
      CHECK(moved.into_node(node, operation::all_gather) == (all - own) * sizeof(float));
      // What leaves a node are its sums for the others; what comes in are n - 1 sums for its own ranks.
      CHECK(moved.out_of_node(node, operation::reduce_scatter) == (all - own) * sizeof(float));
      CHECK(moved.into_node(node, operation::reduce_scatter) ==
            static_cast<std::size_t>(nodes - 1) * own * sizeof(float));
    }
  });
}

TEST_CASE("an all-reduce whose length no rank count divides moves what its layout says") {
  for_each_spread([](int nodes, int node_size, std::size_t) {
    constexpr std::size_t elements = 1009;
    const int p = nodes * node_size;
    const auto layout = mics::schedule::block_layout::split(p, elements);
    auto cluster = mics::test::cluster_of(p, node_size);
    const auto moved = traffic_of(cluster, [&](world_type& world) {
      std::vector<float> data(elements);
      mics::all_reduce(world, data, data, mics::reduction::sum, {.how = algorithm::hierarchical});
    });
    for (int node = 0; node < nodes; ++node) {
      const std::size_t own = layout.offset((node + 1) * node_size) - layout.offset(node * node_size);
      const std::size_t in = static_cast<std::size_t>(nodes - 1) * own + (elements - own);
      CHECK(moved.into_node(node) == in * sizeof(float));
    }
  });
}

TEST_CASE("groups inside one node put nothing on the slow links, and a barrier a byte a message") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 4, .checked = false});
  const auto moved = traffic_of(cluster, [](world_type& world) {
    auto groups = mics::groups(world, {.partition_size = 4});
    const auto partition = groups.partition();
    std::vector<float> full(400), shard(100);
    mics::all_gather(partition, shard, full);
    mics::reduce_scatter(partition, full, shard, mics::reduction::sum);
  });
  CHECK(moved.slow() == 0);
  CHECK(moved.fast() == 2 * 8 * 300 * sizeof(float));
  CHECK(moved.control() > 0);  // the split, kept apart

  const auto tokens = traffic_of(cluster, [](world_type& world) { mics::barrier(world); });
  CHECK(tokens.slow() + tokens.fast() == 3 * 8);  // log2(8) steps of 8 ranks
  CHECK(tokens.slow() == tokens.into_node(0, operation::barrier) + tokens.into_node(1, operation::barrier));
}

TEST_CASE("two-hop: the replication groups alone cross the slow links, 2(r-1)/r of a shard each") {
  mics::thread::cluster cluster({.nodes = 4, .node_size = 2, .checked = false});
  const auto moved = traffic_of(cluster, [](world_type& world) {
    auto groups = mics::groups(world, {.partition_size = 2});
    const auto replication = groups.replication();
    std::vector<float> shard(400);
    mics::all_reduce(replication, shard, shard, mics::reduction::sum, {.how = algorithm::ring});
  });
  for (int node = 0; node < 4; ++node) {
    CHECK(moved.into_node(node, operation::all_reduce) == 2 * (2 * 3 * 400 / 4) * sizeof(float));
  }
}

TEST_CASE("reset forgets") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 1});
  CHECK(traffic_of(cluster, [](world_type& world) { gather(world, {}); }).slow() > 0);
  cluster.reset_traffic();
  CHECK(cluster.traffic().slow() == 0);
  CHECK(cluster.traffic().fast() == 0);
}
