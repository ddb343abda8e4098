// Large buffers through the defaults: real chunks, and results that are written past the caches.

#include <cstddef>
#include <string>

#include <doctest/doctest.h>

#include "thread_check.hpp"

namespace {

using namespace mics::test;

void run_large(int nodes, int node_size, std::size_t shard) {
  auto cluster = cluster_of(nodes * node_size, node_size);
  cluster.run([&](mics::thread::communicator& world) {
    mics::thread::stream stream;
    const std::size_t all = shard * static_cast<std::size_t>(world.size());
    for (const bool in_place : {false, true}) {
      for (const collective_case& c :
           {collective_case{.what = mics::operation::all_gather, .count = shard, .in_place = in_place, .seed = 1},
            collective_case{.what = mics::operation::reduce_scatter, .count = shard, .in_place = in_place, .seed = 2},
            collective_case{.what = mics::operation::all_reduce, .count = all - 5, .in_place = in_place, .seed = 3},
            collective_case{.what = mics::operation::broadcast, .count = all, .root = world.size() - 1, .seed = 4}}) {
        const std::string wrong = check_collective(world, {0, world.size(), 1}, stream, c);
        if (!wrong.empty()) FAIL_CHECK(nodes << " x " << node_size << ": " << wrong);
      }
    }
  });
  CHECK(cluster.traffic().fast() > shard * sizeof(float));
}

}  // namespace

TEST_CASE("a large prime number of elements, hierarchical and flat") {
  run_large(2, 4, 100'003);
  run_large(3, 2, 100'003);
  run_large(1, 3, 400'009);
}

TEST_CASE("results larger than the caches") { run_large(2, 4, 300'007); }
