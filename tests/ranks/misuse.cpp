// What one rank can see to be wrong with its own call: refused in words before any data moves, and nothing is broken.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

namespace {

using mics::collective_options;
using mics::data_type;
using mics::reduction;
using mics::usage_error;
using mics::thread::communicator;

/// Runs `body` on 2 x 2 ranks; afterwards the communicator must still work.
void on_four(const std::function<void(communicator&)>& body) {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  cluster.run([&](communicator& world) {
    body(world);
    std::vector<int> sum(1);
    mics::all_reduce(world, std::vector<int>{world.rank()}, sum, reduction::sum);
    CHECK(sum[0] == 6);
  });
  CHECK(cluster.traffic().fast() > 0);
}

/// `call` throws a usage_error that says all of `words`.
void refused(const std::function<void()>& call, const std::vector<std::string>& words) {
  std::string said = "nothing: it was accepted";
  try {
    call();
  } catch (const usage_error& e) {
    said = e.what();
  }
  for (const std::string& word : words) {
    INFO(said);
    CHECK_MESSAGE(said.find(word) != std::string::npos, "'" << word << "' is missing");
  }
}

constexpr auto minus_one = static_cast<std::size_t>(-1);

}  // namespace

TEST_CASE("wrong lengths") {
  on_four([](communicator& world) {
    std::vector<float> two(2), eight(8), nine(9), three(3);
    refused([&] { mics::all_gather(world, two, nine); }, {"all_gather", "full", "9", "8"});
    refused([&] { mics::reduce_scatter(world, nine, two, reduction::sum); }, {"reduce_scatter", "input", "9", "8"});
    refused([&] { mics::all_reduce(world, two, three, reduction::sum); }, {"all_reduce", "output", "3", "2"});
    refused([&] { mics::batch(world).all_gather(two, nine); }, {"full", "9", "8"});
  });
}

TEST_CASE("wrong counts of the v-forms") {
  on_four([](communicator& world) {
    std::vector<float> two(2), eight(8);
    const std::vector<std::size_t> three{2, 2, 4}, uneven{1, 1, 1, 5}, more{2, 2, 2, 3};
    refused([&] { mics::all_gather_v(world, two, eight, three); }, {"all_gather", "3 counts", "4 ranks"});
    refused([&] { mics::all_gather_v(world, two, eight, uneven); }, {"shard", "2"});
    refused(
        [&] {
          mics::all_gather_v(world, std::vector<float>(more[static_cast<std::size_t>(world.rank())]), eight, more);
        },
        {"8", "9"});
    refused([&] { mics::reduce_scatter_v(world, eight, two, three, reduction::sum); },
            {"reduce_scatter", "3 counts", "4 ranks"});
  });
}

TEST_CASE("negative counts, cast") {
  on_four([](communicator& world) {
    std::vector<float> data(8);
    const void* in = data.data();
    void* out = data.data();
    refused([&] { mics::all_gather(world, in, out, minus_one, data_type::float32); }, {"all_gather", "negative"});
    refused([&] { mics::reduce_scatter(world, in, out, minus_one - 4, data_type::int8, reduction::sum); },
            {"reduce_scatter", "negative"});
    refused([&] { mics::all_reduce(world, in, out, minus_one, data_type::float64, reduction::sum); }, {"negative"});
    refused([&] { mics::broadcast(world, out, minus_one, data_type::uint8, 0); }, {"broadcast", "negative"});
    refused([&] { mics::batch(world).all_gather(in, out, minus_one, data_type::float32); }, {"negative"});
    // counts whose sum wraps around to the length of the buffer
    const std::vector<std::size_t> wrapping{2, 2, 2, minus_one - 5};
    std::vector<float> shard(wrapping[static_cast<std::size_t>(world.rank() % 3)]), none;
    if (world.rank() < 3) refused([&] { mics::all_gather_v(world, shard, none, wrapping); }, {"negative"});
  });
}

TEST_CASE("types that are copied, never reduced") {
  on_four([](communicator& world) {
    std::vector<unsigned char> data(8, 5);
    const void* in = data.data();
    void* out = data.data();
    const std::string rank = "rank " + std::to_string(world.rank());
    for (const auto type : {data_type::float8_e4m3, data_type::float8_e5m2}) {
      const std::vector<std::string> words{std::string(name_of(type)), "never reduced", "allowed: int8,", "float64",
                                           rank};
      const std::vector<std::size_t> counts(4, 2);
      refused([&] { mics::reduce_scatter(world, in, out, 2, type, reduction::sum); }, words);
      refused([&] { mics::reduce_scatter_v(world, in, out, counts, type, reduction::max); }, words);
      refused([&] { mics::all_reduce(world, in, out, 8, type, reduction::avg); }, words);
      refused([&] { mics::batch(world).all_reduce(in, out, 8, type, reduction::sum).run(); }, words);
    }
    CHECK(data == std::vector<unsigned char>(8, 5));
  });
}

TEST_CASE("null buffers") {
  on_four([](communicator& world) {
    std::vector<float> data(8);
    const void* in = data.data();
    void* out = data.data();
    const auto f = data_type::float32;
    refused([&] { mics::all_gather(world, nullptr, out, 2, f); }, {"shard is null", "2 elements of float32"});
    refused([&] { mics::all_gather(world, in, nullptr, 2, f); }, {"full is null", "8 elements"});
    refused([&] { mics::reduce_scatter(world, nullptr, out, 2, f, reduction::sum); }, {"input is null", "8 elements"});
    refused([&] { mics::reduce_scatter(world, in, nullptr, 2, f, reduction::sum); }, {"shard is null", "2 elements"});
    refused([&] { mics::all_reduce(world, nullptr, out, 2, f, reduction::sum); }, {"input is null"});
    refused([&] { mics::all_reduce(world, in, nullptr, 2, f, reduction::sum); }, {"output is null"});
    refused([&] { mics::broadcast(world, nullptr, 2, f, 0); }, {"null", "2 elements"});
    // nothing to hold: null is fine
    mics::all_gather(world, nullptr, nullptr, 0, f);
    mics::reduce_scatter(world, nullptr, nullptr, 0, f, reduction::sum);
    mics::all_reduce(world, nullptr, nullptr, 0, f, reduction::sum);
    mics::broadcast(world, nullptr, 0, f, 0);
  });
}

TEST_CASE("buffers that overlap in another way than in place") {
  on_four([](communicator& world) {
    std::vector<int> data(20, 7);
    const std::span<int> all(data);
    const auto own = static_cast<std::size_t>(world.rank()) * 2;
    const auto full = all.subspan(0, 8);
    const auto wrong_place = all.subspan((own + 2) % 8, 2), askew = all.subspan(own + 1, 2);
    for (const auto shard : {wrong_place, askew}) {
      refused([&] { mics::all_gather(world, shard, full); }, {"shard and full overlap", "block"});
      refused([&] { mics::reduce_scatter(world, full, shard, reduction::sum); }, {"input and shard overlap"});
    }
    refused([&] { mics::all_reduce(world, all.subspan(0, 8), all.subspan(7, 8), reduction::sum); },
            {"input and output overlap", "the same buffer"});
    refused([&] { mics::all_reduce(world, all.subspan(7, 8), all.subspan(0, 8), reduction::sum); }, {"overlap"});
    CHECK(data == std::vector<int>(20, 7));
    // side by side is no overlap
    mics::all_gather(world, all.subspan(8, 2), full);
    mics::all_reduce(world, all.subspan(0, 8), all.subspan(8, 8), reduction::sum);
  });
}

TEST_CASE("calls of a batch that overlap where one of them writes") {
  on_four([](communicator& world) {
    std::vector<int> shard(2, 1), full(8, 7), sum(8);
    mics::batch b(world);
    b.all_gather(shard, full).all_reduce(full, sum, reduction::sum);  // reads what the first writes
    refused([&] { b.run(); }, {"calls 0 and 1", "batch", "overlap"});
    mics::thread::stream s;
    refused([&] { b.run(s); }, {"calls 0 and 1"});
    CHECK(full == std::vector<int>(8, 7));
    mics::batch both_read(world);
    std::vector<int> most(2), least(2);
    both_read.all_reduce(shard, most, reduction::max).all_reduce(shard, least, reduction::min);
    both_read.run();
    CHECK(most == least);
  });
}

TEST_CASE("deadlines that have passed before they begin") {
  CHECK_THROWS_AS(mics::thread::cluster({.timeout = std::chrono::milliseconds(0)}), usage_error);
  CHECK_THROWS_AS(mics::thread::cluster({.timeout = std::chrono::milliseconds(-1)}), usage_error);
  on_four([](communicator& world) {
    refused([&] { mics::barrier(world, {.timeout = std::chrono::milliseconds(-7)}); }, {"barrier", "-7 ms"});
  });
}

TEST_CASE("a shape that does not fit the group, or comes too late") {
  on_four([](communicator& world) {
    const communicator group = world.split(0, world.rank());
    const int me = group.rank();
    refused([&] { group.set_shape({me, 4, 3, 1, {}}); }, {"3 nodes x 1", "size"});
    refused([&] { group.set_shape({me, 8, 2, 4, {}}); }, {"8"});
    refused([&] { group.set_shape({me ^ 1, 4, 2, 2, {}}); }, {"rank"});
    refused([&] { group.set_shape({me, 4, 0, 0, {}}); }, {"0 nodes"});
    group.set_shape({me, 4, 4, 1, {}});
    CHECK(group.shape().nodes == 4);
    mics::barrier(group);
    refused([&] { group.set_shape({me, 4, 1, 4, {}}); }, {"before the first operation"});
  });
}

TEST_CASE("an error names the rank by its number in the world, and its group") {
  on_four([](communicator& world) {
    const communicator pair = world.split(world.rank() / 2, 0, "pair");
    std::vector<int> one(1), three(3);
    mics::error_context where;
    try {
      mics::all_gather(pair, one, three);
    } catch (const usage_error& e) {
      where = e.context();
    }
    CHECK(where.rank == world.rank());
    CHECK(where.group == "pair");
    CHECK(where.operation == "all_gather");
  });
}

TEST_CASE("a root outside the group") {
  on_four([](communicator& world) {
    std::vector<int> data(2);
    refused([&] { mics::broadcast(world, data, 4); }, {"broadcast", "root 4", "0..3"});
    refused([&] { mics::broadcast(world, data, -1); }, {"root -1"});
    refused([&] { mics::batch(world).broadcast(data, 9).run(); }, {"root 9"});
  });
}

TEST_CASE("reductions that do not exist") {
  on_four([](communicator& world) {
    std::vector<int> ints(4), one(1);
    refused([&] { mics::all_reduce(world, ints, ints, reduction::avg); }, {"avg of int32", "sum, min, max, prod"});
    refused([&] { mics::reduce_scatter(world, ints, one, reduction::avg); }, {"avg of int32"});
    refused([&] { mics::all_reduce(world, ints, ints, static_cast<reduction>(77)); }, {"77"});
    refused([&] { mics::reduce_scatter(world, ints, one, static_cast<reduction>(255)); }, {"255"});
  });
}

TEST_CASE("types and algorithms outside their enums") {
  on_four([](communicator& world) {
    std::vector<int> data(4);
    const void* in = data.data();
    void* out = data.data();
    refused([&] { mics::all_reduce(world, in, out, 4, static_cast<data_type>(99), reduction::sum); }, {"99"});
    refused([&] { mics::all_reduce(world, data, data, reduction::sum, {.how = static_cast<mics::algorithm>(99)}); },
            {"algorithm"});
  });
}

TEST_CASE("algorithms that cannot serve the operation or the group") {
  using mics::algorithm;
  mics::thread::cluster cluster({.nodes = 1, .node_size = 3});
  cluster.run([](communicator& world) {
    std::vector<float> one(1), three(3);
    const auto with = [](algorithm how) { return collective_options{.how = how}; };
    refused([&] { mics::reduce_scatter(world, three, one, reduction::sum, with(algorithm::halving)); },
            {"halving", "power of two", "3 ranks"});
    refused([&] { mics::all_gather(world, one, three, with(algorithm::hierarchical)); }, {"hierarchical", "one node"});
    refused([&] { mics::all_gather(world, one, three, with(algorithm::doubling)); }, {"doubling", "all_gather"});
    refused([&] { mics::all_reduce(world, three, three, reduction::sum, with(algorithm::bruck)); }, {"bruck"});
    refused([&] { mics::broadcast(world, one, 0, with(algorithm::ring)); }, {"ring", "broadcast"});
    refused([&] { mics::barrier(world, with(algorithm::tree)); }, {"tree", "barrier"});
    refused([&] { static_cast<void>(mics::plan_for(world, mics::operation::all_gather, 8, {}, 0, 0)); },
            {"elements of 0 bytes", "allowed: 1 and more"});
    refused([&] { static_cast<void>(mics::plan_for(world, mics::operation::all_gather, 8, algorithm::exchange)); },
            {"exchange"});
    mics::barrier(world);
  });
}

TEST_CASE("a stream's call is refused at once, not later") {
  on_four([](communicator& world) {
    mics::thread::stream s;
    std::vector<float> two(2), nine(9);
    refused([&] { mics::all_gather(world, two, nine, s); }, {"full", "9", "8"});
    refused([&] { mics::broadcast(world, two, 7, s); }, {"root 7"});
    s.synchronize();
  });
}

TEST_CASE("a destroyed or empty communicator") {
  on_four([](communicator& world) {
    std::vector<int> data(4);
    communicator group = world.split(0, world.rank(), "short-lived");
    const mics::thread::communicator_ref ref = group;
    mics::barrier(ref);
    const mics::thread::communicator_ref no_thief = std::move(group);  // a ref takes no ownership
    mics::barrier(no_thief);
    mics::barrier(group);
    communicator moved = std::move(group);
    mics::barrier(ref);
    mics::barrier(moved);
    refused([&] { mics::barrier(group); }, {"moved from"});  // NOLINT: that is what is tested
    refused([&] { static_cast<void>(group.split(0, 0)); }, {"moved from"});
    std::optional<mics::batch<communicator>> batch(moved);
    batch->broadcast(data, 0);
    moved = communicator();
    refused([&] { mics::barrier(ref); }, {"short-lived", "destroyed"});
    refused([&] { mics::all_reduce(ref, data, data, reduction::sum); }, {"short-lived", "destroyed"});
    refused([&] { batch->run(); }, {"destroyed"});
    mics::thread::stream s;
    refused([&] { mics::barrier(ref, s); }, {"destroyed"});
    refused([] { mics::barrier(mics::thread::communicator_ref()); }, {"empty"});
  });
}

TEST_CASE("clusters that cannot exist") {
  CHECK_THROWS_AS(mics::thread::cluster({.nodes = 0}), mics::topology_error);
  CHECK_THROWS_AS(mics::thread::cluster({.nodes = 1, .node_size = -2}), mics::topology_error);
  CHECK_THROWS_AS(mics::thread::cluster({.ranks_per_node = {2, 0}}), mics::topology_error);
}
