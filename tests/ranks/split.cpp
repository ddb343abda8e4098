#include <climits>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

namespace {

using mics::thread::communicator;

std::vector<int> members(const communicator& group, int world_rank) {
  std::vector<int> all(static_cast<std::size_t>(group.size()));
  mics::all_gather(group, std::vector<int>{world_rank}, all);
  return all;
}

template <class Body> void on_eight(Body body) {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 4});
  cluster.run([&](communicator& world) { body(world, world.rank()); });
}

}  // namespace

TEST_CASE("ranks of a colour form a group, in the order of their keys") {
  on_eight([](communicator& world, int me) {
    const auto odd = world.split(me % 2, -me);
    CHECK(members(odd, me) == (me % 2 == 0 ? std::vector{6, 4, 2, 0} : std::vector{7, 5, 3, 1}));
    CHECK(odd.rank() == 3 - me / 2);
    CHECK(odd.world_rank() == me);
  });
}

TEST_CASE("equal keys keep the order of the ranks") {
  on_eight([](communicator& world, int me) {
    const auto all = world.split(0, me < 2 ? 1 : 0);
    CHECK(members(all, me) == std::vector{2, 3, 4, 5, 6, 7, 0, 1});
  });
}

TEST_CASE("colours and keys may be any numbers") {
  on_eight([](communicator& world, int me) {
    const auto extreme = world.split(me < 3 ? INT_MIN : INT_MAX, me % 2 == 0 ? INT_MAX : INT_MIN);
    CHECK(members(extreme, me) == (me < 3 ? std::vector{1, 0, 2} : std::vector{3, 5, 7, 4, 6}));
  });
}

TEST_CASE("a rank may be alone, and its collectives work") {
  on_eight([](communicator& world, int me) {
    const auto alone = world.split(me, 0);
    CHECK(alone.size() == 1);
    std::vector<float> full(3), sum(3);
    const std::vector<float> mine(3, static_cast<float>(me));
    mics::all_gather(alone, mine, full);
    mics::all_reduce(alone, mine, sum, mics::reduction::avg);
    mics::barrier(alone);
    CHECK(full == mine);
    CHECK(sum == mine);
  });
}

TEST_CASE("groups split again") {
  on_eight([](communicator& world, int me) {
    const auto half = world.split(me / 4, me);
    const auto quarter = half.split(half.rank() / 2, -half.rank());
    CHECK(members(quarter, me) == std::vector{me / 2 * 2 + 1, me / 2 * 2});
  });
}

TEST_CASE("splits that follow each other make different groups") {
  on_eight([](communicator& world, int me) {
    const auto first = world.split(0, me), second = world.split(0, me);
    const std::vector<int> mine{me}, negative{-me};
    std::vector<int> a(8), b(8);
    mics::thread::stream s;
    mics::all_gather(first, mine, a, s);  // half of the ranks let it run beside the other one
    if (me % 2 == 0) s.synchronize();
    mics::all_gather(second, negative, b);
    s.synchronize();
    CHECK(a[7] == 7);
    CHECK(b[7] == -7);
  });
}

TEST_CASE("a group has the shape of the nodes that its ranks live on") {
  on_eight([](communicator& world, int me) {
    CHECK(world.shape().nodes == 2);
    CHECK(world.shape().node_size == 4);
    CHECK(world.split(me / 4, me).shape().nodes == 1);
    const auto rail = world.split(me % 4, me);
    CHECK(rail.shape().nodes == 2);
    CHECK(rail.shape().node_size == 1);
    const auto uneven = world.split(me < 3 || me > 6 ? 0 : 1, me);  // 0, 1, 2, 7 and 3, 4, 5, 6
    CHECK_FALSE(uneven.shape().hierarchical());
    CHECK(uneven.shape().flat_reason.find("unevenly") != std::string::npos);
    const auto zigzag = world.split(0, me % 4);  // 0, 4, 1, 5, ...
    CHECK_FALSE(zigzag.shape().hierarchical());
    CHECK(zigzag.shape().flat_reason.find("comes back to node 0") != std::string::npos);
    CHECK(members(zigzag, me) == std::vector{0, 4, 1, 5, 2, 6, 3, 7});
  });
}

TEST_CASE("a group has the name that it was given, or one that tells its colour") {
  on_eight([](communicator& world, int me) {
    CHECK(world.split(me % 2, me, "evens and odds").name() == "evens and odds");
    CHECK(world.split(me % 2, me).name() == "world/" + std::to_string(me % 2));
  });
}

TEST_CASE("a rank may be done with a group before another one has entered it") {
  for (const int size : {2, 8}) {
    mics::thread::cluster cluster({.nodes = 1, .node_size = size, .checked = false});
    cluster.run([&](communicator& world) {
      for (int i = 0; i < 1000; ++i) {
        const auto group = world.split(0, world.rank());
        std::vector<int> data{world.rank() == i % size ? i : -1};
        mics::broadcast(group, data, i % size);  // so small that its root need not wait for anyone
        if (data[0] != i) FAIL_CHECK("broadcast " << i << " brought " << data[0]);
      }
    });
  }
}

TEST_CASE("handles move") {
  on_eight([](communicator& world, int me) {
    communicator first = world.split(0, me);
    communicator second = std::move(first);
    first = world.split(1, me);
    std::swap(first, second);
    CHECK(first.name() == "world/0");
    CHECK(members(second, me).size() == 8);
  });
}
