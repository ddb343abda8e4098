// Collectives in the order of a stream: asynchronous to the caller, in order with everything else of the communicator.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

using mics::thread::communicator;
using mics::thread::stream;

TEST_CASE("a call with a stream returns before its peers have come") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  std::atomic<int> returned{0};
  cluster.run([&](communicator& world) {
    std::vector<int> shard{world.rank()}, full(4);
    stream s;
    if (world.rank() != 0) {
      while (returned == 0) std::this_thread::yield();  // rank 0's call must not need us
    }
    mics::all_gather(world, shard, full, s);
    ++returned;
    s.synchronize();
    CHECK(full == std::vector<int>{0, 1, 2, 3});
  });
}

TEST_CASE("what is enqueued runs in order: each step needs the one before") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  cluster.run([](communicator& world) {
    constexpr int steps = 200;
    std::vector<double> value(300, world.rank() + 1.0), next(300);
    stream s;  // after the buffers: it waits for its work before they go
    for (int i = 0; i < steps; ++i) {
      mics::all_reduce(world, value, next, i % 2 == 0 ? mics::reduction::avg : mics::reduction::max, s);
      s.enqueue([&] {
        for (std::size_t e = 0; e < value.size(); ++e) value[e] = next[e] + world.rank();
      });
    }
    s.synchronize();
    // avg adds 1.5 to rank 0's value, max brings all up to rank 3's, who is 3 ahead.
    double expected = 1.0 + world.rank();
    double lowest = 1.0;
    for (int i = 0; i < steps; ++i) {
      lowest += i % 2 == 0 ? 1.5 : 3.0;
      expected = lowest + world.rank();
    }
    CHECK(value == std::vector<double>(300, expected));
  });
}

TEST_CASE("blocking calls take their turn among those on streams") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 3});
  cluster.run([](communicator& world) {
    std::vector<int> shard(100, world.rank()), full(300), sum(100);
    stream one, two;
    for (int i = 0; i < 50; ++i) {
      mics::all_gather(world, shard, full, one);
      mics::all_reduce(world, shard, sum, mics::reduction::sum, two);
      mics::barrier(world);  // comes after both, on every rank
      CHECK(full[299] == 2);
      CHECK(sum[0] == 3);
      full.assign(300, -1);
      sum.assign(100, -1);
    }
  });
}

TEST_CASE("a call that waits for its turn has time as long as the one before it moves") {
  constexpr int size = 5;
  const std::chrono::milliseconds apart(400), timeout(1000);  // all come within four times the one
  mics::thread::cluster cluster({.nodes = 1, .node_size = size});
  cluster.run([&](communicator& world) {
    std::vector<int> shard{world.rank()}, full(size), more(size);
    stream s;
    std::this_thread::sleep_for(world.rank() * apart);
    mics::all_gather(world, shard, full, s, {.checked = false});
    mics::all_gather(world, shard, more, {.checked = false, .timeout = timeout});
    s.synchronize();
    CHECK(full == std::vector<int>{0, 1, 2, 3, 4});
    CHECK(more == full);
  });
}

TEST_CASE("two communicators on two streams do not wait for each other") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  cluster.run([](communicator& world) {
    auto groups = mics::groups(world, {.partition_size = 2});
    const auto partition = groups.partition();
    const auto replication = groups.replication();
    std::vector<int> shard(1000, world.rank()), full(2000), sum(1000);
    stream first, second;
    for (int i = 0; i < 30; ++i) {
      if (world.rank() % 2 == 0) {  // ranks may call different communicators in different orders
        mics::all_gather(partition, shard, full, first);
        mics::all_reduce(replication, shard, sum, mics::reduction::sum, second);
      } else {
        mics::all_reduce(replication, shard, sum, mics::reduction::sum, second);
        mics::all_gather(partition, shard, full, first);
      }
    }
    first.synchronize();
    second.synchronize();
    CHECK(full.front() == world.rank() / 2 * 2);
    CHECK(full.back() == world.rank() / 2 * 2 + 1);
    CHECK(sum == std::vector<int>(1000, world.rank() % 2 * 2 + 2));
  });
}

TEST_CASE("another stream sees a result after it has waited for the event") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 1});
  cluster.run([](communicator& world) {
    std::vector<int> shard(5000, world.rank() + 1), full(10000);
    long long total = 0;
    stream communication, compute;
    mics::all_gather(world, shard, full, communication);
    compute.wait(communication.record());
    compute.enqueue([&] {
      for (const int v : full) total += v;
    });
    compute.synchronize();
    CHECK(total == 15000);
  });
}

TEST_CASE("every form has a stream: barrier, broadcast, v-forms, batch, coalesced") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  std::atomic<int> arrived{0};
  cluster.run([&](communicator& world) {
    const std::vector<std::size_t> counts{3, 0, 2, 1};
    const auto own = counts[static_cast<std::size_t>(world.rank())];
    std::vector<int> shard(own, world.rank()), full(6), scattered(own), data(4, world.rank());
    std::vector<float> halves(2, 0.5f), gathered(8), part(2), sums(8, 1.0f);
    stream s;
    ++arrived;
    mics::barrier(world, s);
    s.enqueue([&] { CHECK(arrived == 4); });
    mics::broadcast(world, data, 2, s);
    mics::all_gather_v(world, shard, full, counts, s);
    mics::reduce_scatter_v(world, full, scattered, counts, mics::reduction::max, s);
    const std::vector<mics::gather_pair<float>> gathers{{halves, gathered}};
    mics::all_gather_coalesced(world, std::span(gathers), s);
    const std::vector<mics::scatter_pair<float>> scatters{{sums, part}};
    mics::reduce_scatter_coalesced(world, std::span(scatters), mics::reduction::sum, s);
    std::optional<mics::batch<communicator>> b(world);
    b->all_reduce(data, data, mics::reduction::sum);
    b->run(s);
    b.reset();  // a batch may go before it has run
    s.synchronize();
    CHECK(full == std::vector<int>{0, 0, 0, 2, 2, 3});
    CHECK(scattered == shard);
    CHECK(gathered == std::vector<float>(8, 0.5f));
    CHECK(part == std::vector<float>(2, 4.0f));
    CHECK(data == std::vector<int>(4, 8));
  });
}

TEST_CASE("a communicator may go while its work is under way") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  cluster.run([](communicator& world) {
    std::vector<int> shard(2000, world.rank()), full(8000);
    stream s;
    {
      const communicator copy = world.split(0, world.rank());
      mics::all_gather(copy, shard, full, s);
    }
    s.synchronize();
    CHECK(full.back() == 3);
  });
}
