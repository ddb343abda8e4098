// Compiling is the test: all of it is known to the compiler, so none of it needs memory or a run.
#include <iterator>
#include <vector>

#include <mics/topology.hpp>

namespace {

using mics::hierarchy;
using mics::rank_range;
using mics::topology;

static_assert(std::forward_iterator<rank_range::iterator>);

// A constexpr variable cannot own heap memory: 2^24 ranks on uniform nodes take none.
constexpr topology large = topology::uniform(1 << 24, 8, 1 << 12);
static_assert(large.nodes() == 1 << 21 && large.replication_size() == 1 << 12);
static_assert(large.hierarchy_of((1 << 24) - 1) == hierarchy{512, 8});
static_assert(large.rail_group_of((1 << 24) - 1) == rank_range{(1 << 24) - 4096 + 7, 512, 8});

// Block (node j, local rank i) of a partition group belongs at slot j*k + i.
constexpr topology small = topology::uniform(16, 4, 8);
constexpr bool slots_hold() {
  for (int rank = 0; rank < small.world_size(); ++rank) {
    const int j = small.rail_group_of(rank).index_of(rank);
    const int i = small.node_group_of(rank).index_of(rank);
    if (i != small.local_rank_of(rank) || small.partition_of(rank)[j * 4 + i] != rank) return false;
  }
  return true;
}
static_assert(slots_hold());
static_assert(small.partition_of(11) == rank_range{8, 8, 1} && small.replication_of(11) == rank_range{3, 2, 8});

// Special sizes: ZeRO-3 (p = N), data parallelism (p = 1), nodes of one rank, a partition group inside a node.
static_assert(topology::uniform(16, 4, 16).replication_of(5) == rank_range{5, 1});
static_assert(topology::uniform(16, 4, 1).partition_of(5) == rank_range{5, 1});
static_assert(topology::uniform(16, 4, 1).hierarchy_of(5) == hierarchy{1, 1});
static_assert(topology::uniform(16, 1, 8).hierarchy_of(5) == hierarchy{8, 1});
static_assert(topology::uniform(16, 4, 2).node_group_of(5) == rank_range{4, 2});
static_assert(topology::uniform(16, 4, 2).rail_group_of(5) == rank_range{5, 1});

// Lists work in constant expressions too, as long as their memory is gone at the end.
static_assert(topology::uneven({3, 5}, 4).local_rank_of(6) == 3);
static_assert(topology::uneven({3, 5}, 4).hierarchy_of(0) == hierarchy{1, 4});
static_assert(topology::uneven({2, 2, 5, 3}, 4).hierarchy_of(0) == hierarchy{2, 2});
static_assert(topology::uneven({4, 4}, 8) == topology::uniform(8, 4, 8));
static_assert(topology::uneven({4, 4, 2}, 10) == topology::uniform(10, 4, 10));
static_assert(!(topology::uneven({4, 2, 4}, 10) == topology::uniform(10, 4, 10)));

// Digests are equal as topologies are, however these were given.
static_assert(topology::uneven({4, 4}, 8).digest() == topology::uniform(8, 4, 8).digest());
static_assert(!(topology::uneven({4, 2, 4}, 10).digest() == topology::uneven({2, 4, 4}, 10).digest()));
static_assert(!(small.digest() == topology::uniform(16, 4, 4).digest()));
static_assert(!(small.digest() == topology::uniform(16, 2, 8).digest()));

}  // namespace
