// Ranks that mean different things: found before data move where calls are compared, by the bytes where they are not.

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

namespace {

using mics::collective_options;
using mics::reduction;
using mics::usage_error;
using mics::thread::communicator;

using call = std::function<void(communicator&)>;

/// Rank 2 of 2 x 2 calls `other`, the rest `usual`: all of them throw the same usage_error, which has all of `words`,
/// and can go on.
void disagree(const call& usual, const call& other, const std::vector<std::string>& words) {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2, .checked = true});
  std::atomic<int> thrown{0};
  cluster.run([&](communicator& world) {
    const bool odd = world.rank() == 2;
    std::string said = "nothing: it was accepted";
    try {
      (odd ? other : usual)(world);
    } catch (const usage_error& e) {
      said = e.what();
      ++thrown;
    }
    INFO(said);
    CHECK(said.find("rank 0 calls") != std::string::npos);
    CHECK(said.find("rank 2 calls") != std::string::npos);
    for (const std::string& word : words) {
      CHECK_MESSAGE(said.find(word) != std::string::npos, "'" << word << "' is missing");
    }
    mics::barrier(world);
  });
  CHECK(thrown == 4);
}

std::vector<float> floats(std::size_t count) { return std::vector<float>(count, 1.0f); }

call gather(std::size_t count, const collective_options& options = {}) {
  return [=](communicator& world) {
    auto full = floats(4 * count);
    try {
      mics::all_gather(world, floats(count), full, options);
    } catch (const usage_error&) {
      CHECK(full == floats(4 * count));  // nothing has moved
      throw;
    }
  };
}

call reduce(reduction how, const collective_options& options = {}) {
  return [=](communicator& world) {
    std::vector<mics::bfloat16> data(64, mics::bfloat16(1.0f));
    mics::all_reduce(world, data, data, how, options);
  };
}

}  // namespace

TEST_CASE("counts") { disagree(gather(2), gather(3), {"all_gather of 8 x float32", "all_gather of 12 x float32"}); }

TEST_CASE("types") {
  const call ints = [](communicator& world) {
    std::vector<int> full(8);
    mics::all_gather(world, std::vector<int>(2), full);
  };
  disagree(gather(2), ints, {"8 x float32", "8 x int32"});
}

TEST_CASE("operations") {
  disagree(gather(2), reduce(reduction::sum), {"all_gather", "all_reduce of 64 x bfloat16"});
  disagree(gather(2), [](communicator& world) { mics::barrier(world); }, {"all_gather", "barrier"});
}

TEST_CASE("reductions") { disagree(reduce(reduction::sum), reduce(reduction::max), {", sum", ", max"}); }

TEST_CASE("roots") {
  const auto from = [](int root) -> call {
    return [=](communicator& world) {
      auto data = floats(3);
      mics::broadcast(world, data, root);
    };
  };
  disagree(from(1), from(3), {"root 1", "root 3"});
}

TEST_CASE("algorithms, chunks and accumulation") {
  using mics::algorithm;
  disagree(gather(2, {.how = algorithm::direct}), gather(2, {.how = algorithm::ring}), {"direct", "ring"});
  disagree(gather(999, {.how = algorithm::ring, .chunk_bytes = 256}), gather(999, {.how = algorithm::ring}),
           {"ring in 16 chunks", "ring in 1 chunks"});
  const auto widened = mics::accumulation::widened;
  disagree(reduce(reduction::sum), reduce(reduction::sum, {.accumulate = widened}), {"widened to float32"});
}

TEST_CASE("nodes") {
  const auto on_nodes_of = [](int node_size) -> call {
    return [=](communicator& world) {
      const communicator group = world.split(0, world.rank());
      group.set_shape({group.rank(), group.size(), group.size() / node_size, node_size, {}});
      auto full = floats(8);
      mics::all_gather(group, floats(2), full);
    };
  };
  disagree(on_nodes_of(2), on_nodes_of(1), {"on 2 nodes", "on 4 nodes"});
}

TEST_CASE("counts of the v-forms") {
  const auto with = [](std::vector<std::size_t> counts) -> call {
    return [=](communicator& world) {
      auto full = floats(8);
      mics::all_gather_v(world, floats(counts[static_cast<std::size_t>(world.rank())]), full, counts);
    };
  };
  disagree(with({1, 2, 2, 3}), with({2, 1, 2, 3}), {"blocks of 1 2 2 3", "blocks of 2 1 2 3"});
  disagree(with({2, 2, 2, 2}), with({3, 1, 2, 2}), {"all_gather"});
}

TEST_CASE("batches: how many calls, and any of them") {
  const auto with = [](std::vector<std::size_t> counts) -> call {
    return [=](communicator& world) {
      std::vector<std::vector<float>> shards, fulls;
      mics::batch b(world);
      for (const std::size_t count : counts) {
        shards.push_back(floats(count));
        fulls.push_back(floats(4 * count));
      }
      for (std::size_t i = 0; i < counts.size(); ++i) b.all_gather(shards[i], fulls[i]);
      b.run();
    };
  };
  disagree(with({1, 2, 3}), with({1, 2}), {"the first of 3 calls in a batch", "the first of 2 calls in a batch"});
  disagree(with({1, 2, 3}), with({1, 2, 4}), {"the first of 3 calls in a batch"});
  disagree(with({1, 2, 3}), with({1, 3, 2}), {"the first of 3 calls in a batch"});
}

TEST_CASE("on a stream the disagreement is thrown where it is waited for") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2, .checked = true});
  CHECK_THROWS_WITH_AS(cluster.run([](communicator& world) {
    const auto shard = floats(static_cast<std::size_t>(world.rank()) + 1);
    auto full = floats(2 * shard.size());
    mics::thread::stream s;
    mics::all_gather(world, shard, full, s);
    s.synchronize();
  }),
                       doctest::Contains("the ranks disagree: rank 0 calls all_gather of 2 x float32"), usage_error);
}

TEST_CASE("calls are compared when the cluster or the call says so") {
  for (const bool by_cluster : {false, true}) {
    mics::thread::cluster cluster({.nodes = 1, .node_size = 2, .checked = by_cluster});
    const auto bytes_of_agreement = [&](const collective_options& options) {
      cluster.reset_traffic();
      cluster.run([&](communicator& world) {
        auto full = floats(2);
        mics::all_gather(world, floats(1), full, options);
      });
      CHECK(cluster.traffic().fast() == 2 * sizeof(float));  // the caller's bytes only
      return cluster.traffic().control();
    };
    CHECK((bytes_of_agreement({}) > 0) == by_cluster);
    CHECK(bytes_of_agreement({.checked = true}) > 0);
    CHECK(bytes_of_agreement({.checked = false}) == 0);
  }
}

TEST_CASE("unchecked, messages of another length are found, with both lengths and the sender") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2, .checked = false});
  std::array<std::string, 2> said;
  CHECK_THROWS_AS(cluster.run([&](communicator& world) {
    const auto me = static_cast<std::size_t>(world.rank());
    auto full = floats(2 * (me + 1));
    const auto shard = floats(me + 1);
    try {
      mics::all_gather(world, shard, full);
    } catch (const mics::error& e) {
      said[me] = e.what();
      throw;
    }
  }),
                  usage_error);
  CHECK((said[0] + said[1]).find(" bytes where this rank expects ") != std::string::npos);
  const bool by_first = said[0].find("rank 1 sent 8 bytes where this rank expects 4") != std::string::npos;
  const bool by_second = said[1].find("rank 0 sent 4 bytes where this rank expects 8") != std::string::npos;
  CHECK((by_first || by_second));
}

TEST_CASE("unchecked, a rank whose data go at once and one that sends messages do not wait for each other for ever") {
  const std::size_t few = 10, many = 10'000;  // elements of a block, on each side of what can be shown at once
  for (const int size : {2, 3}) {
    for (int odd = 0; odd < size; ++odd) {
      CAPTURE(odd);
      mics::thread::cluster cluster({.nodes = 1, .node_size = size, .checked = false});
      std::vector<std::string> said(static_cast<std::size_t>(size));
      CHECK_THROWS_AS(cluster.run([&](communicator& world) {
        // Launches of both kinds before it: what they showed is not mistaken for this one.
        for (const std::size_t count : {few, many, many, few, many}) {
          auto full = floats(count * static_cast<std::size_t>(size));
          mics::all_gather(world, floats(count), full);
        }
        const std::size_t count = world.rank() == odd ? few : many;
        auto full = floats(count * static_cast<std::size_t>(size));
        try {
          mics::all_gather(world, floats(count), full);
        } catch (const mics::error& e) {
          said[static_cast<std::size_t>(world.rank())] = e.what();
          throw;
        }
      }),
                      usage_error);
      std::string all;
      for (const std::string& each : said) {
        CHECK_FALSE(each.empty());
        all += each + "\n";
      }
      INFO(all);
      CHECK(all.find("rank " + std::to_string(odd) + " shows 40 bytes") != std::string::npos);
    }
  }
}
