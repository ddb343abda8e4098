// Many collectives as one launch.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

#include "../support/geometries.hpp"
#include "../support/terms.hpp"

namespace {

using mics::reduction;
using mics::thread::communicator;
using namespace mics::test;

mics::rank_range everyone(const communicator& world) { return {0, world.size(), 1}; }

template <class T> bool same(const std::vector<T>& got, const std::vector<T>& wanted) {
  return difference<T>(got, wanted).empty();
}

/// The tensors of a layer: sizes from nothing to some chunks.
constexpr std::size_t sizes[] = {0, 1, 7, 64, 129, 1000, 3, 0, 500};

/// Every number of ranks and node size, shorter last nodes among them.
template <class Body> void on_every_geometry(Body body) {
  for_each_cluster(12, [&](int world_size, int node_size) {
    cluster_of(world_size, node_size).run([&](communicator& world) { body(world); });
  });
}

template <class Body> void on_some_geometries(Body body) {
  for (const auto& nodes : std::vector<std::vector<int>>{{1}, {3}, {2, 2}, {2, 2, 2}, {3, 5}, {1, 1, 1, 1}}) {
    mics::thread::cluster cluster({.ranks_per_node = nodes});
    cluster.run([&](communicator& world) { body(world); });
  }
}

}  // namespace

TEST_CASE("gathers and scatters of many sizes and types run as one") {
  on_every_geometry([](communicator& world) {
    const auto n = static_cast<std::size_t>(world.size());
    const auto ranks = everyone(world);
    std::vector<std::vector<float>> shards, fulls, wanted;
    std::vector<std::vector<std::int16_t>> inputs, parts, sums;
    for (std::size_t t = 0; t < std::size(sizes); ++t) {
      shards.push_back(any_bits<float>(world.rank(), sizes[t], t));
      fulls.emplace_back(n * sizes[t]);
      wanted.emplace_back();
      for (int r = 0; r < world.size(); ++r) {
        const auto block = any_bits<float>(r, sizes[t], t);
        wanted.back().insert(wanted.back().end(), block.begin(), block.end());
      }
      inputs.push_back(terms<std::int16_t>(reduction::sum, world.rank(), 0, n * sizes[t], t));
      parts.emplace_back(sizes[t]);
      const std::size_t before = static_cast<std::size_t>(world.rank()) * sizes[t];
      sums.push_back(all_reduced<std::int16_t>(reduction::sum, ranks, before, sizes[t], t));
    }
    std::vector<double> everywhere = terms<double>(reduction::max, world.rank(), 0, 99, 5), data(10, world.rank());

    mics::batch b(world);
    for (std::size_t t = 0; t < std::size(sizes); ++t) {
      b.all_gather(shards[t], fulls[t]);
      b.reduce_scatter(inputs[t], parts[t], reduction::sum);
    }
    b.all_reduce(everywhere, everywhere, reduction::max).broadcast(data, world.size() - 1);
    CHECK(b.size() == 2 * std::size(sizes) + 2);
    b.run({.chunk_bytes = 256});

    for (std::size_t t = 0; t < std::size(sizes); ++t) {
      CAPTURE(t);
      CHECK(same(fulls[t], wanted[t]));
      CHECK(same(parts[t], sums[t]));
    }
    CHECK(same(everywhere, all_reduced<double>(reduction::max, ranks, 0, 99, 5)));
    CHECK(data == std::vector<double>(10, world.size() - 1));
  });
}

TEST_CASE("many small all-reduces in place: none overwrites what another rank has not read") {
  on_some_geometries([](communicator& world) {
    for (const auto how : {mics::algorithm::automatic, mics::algorithm::exchange, mics::algorithm::doubling}) {
      for (const std::size_t count : std::vector<std::size_t>{1, 30, 100, 300}) {  // inside a message's slot, and lent
        std::vector<std::vector<float>> tensors;
        mics::batch b(world);
        for (std::uint64_t t = 0; t < 20; ++t) {
          tensors.push_back(terms<float>(reduction::sum, world.rank(), 0, count, t));
        }
        for (auto& tensor : tensors) b.all_reduce(tensor, tensor, reduction::sum);
        b.run({.how = how, .chunk_bytes = 256});
        bool right = true;
        for (std::uint64_t t = 0; t < tensors.size(); ++t) {
          right &= same(tensors[t], all_reduced<float>(reduction::sum, everyone(world), 0, count, t));
        }
        INFO(name_of(how) << " of " << count << " on " << world.size() << " ranks");
        CHECK(right);
      }
    }
  });
}

TEST_CASE("coalesced gathers and scatters are those of the single tensors") {
  on_every_geometry([](communicator& world) {
    const auto n = static_cast<std::size_t>(world.size());
    std::vector<std::vector<std::int32_t>> single, together, shards;
    for (std::size_t t = 0; t < std::size(sizes); ++t) {
      shards.push_back(terms<std::int32_t>(reduction::sum, world.rank(), 0, sizes[t], t));
      single.emplace_back(n * sizes[t]);
      together.emplace_back(n * sizes[t]);
      mics::all_gather(world, shards[t], single[t]);
    }
    std::vector<mics::gather_pair<std::int32_t>> gathers;
    for (std::size_t t = 0; t < std::size(sizes); ++t) gathers.push_back({shards[t], together[t]});
    mics::all_gather_coalesced(world, std::span<const mics::gather_pair<std::int32_t>>(gathers));
    CHECK(single == together);

    std::vector<mics::scatter_pair<std::int32_t>> scatters;
    auto expected = shards, got = shards;
    for (std::size_t t = 0; t < std::size(sizes); ++t) {
      mics::reduce_scatter(world, single[t], expected[t], reduction::sum);
      scatters.push_back({single[t], got[t]});
    }
    mics::reduce_scatter_coalesced(world, std::span<const mics::scatter_pair<std::int32_t>>(scatters), reduction::sum);
    CHECK(expected == got);
  });
}

TEST_CASE("run-time typed calls join a batch") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  cluster.run([](communicator& world) {
    const auto mine = static_cast<std::uint8_t>(world.rank() + 1);
    std::vector<std::uint8_t> shard(3, mine), full(12), part(3), sum(5), input(5, mine);
    const std::vector<std::uint8_t> all(12, mine);
    const std::vector<std::size_t> counts{1, 0, 3, 2};
    std::vector<std::uint8_t> uneven(counts[static_cast<std::size_t>(world.rank())], mine), six(6), data(2, mine);
    mics::batch b(world);
    b.all_gather_v(static_cast<const void*>(uneven.data()), six.data(), counts, mics::data_type::uint8);
    b.broadcast(static_cast<void*>(data.data()), 2, mics::data_type::uint8, 3);
    b.all_gather(static_cast<const void*>(shard.data()), full.data(), 3, mics::data_type::uint8);
    b.reduce_scatter(static_cast<const void*>(all.data()), part.data(), 3, mics::data_type::uint8, reduction::prod);
    b.all_reduce(static_cast<const void*>(input.data()), sum.data(), 5, mics::data_type::uint8, reduction::sum);
    b.run();
    CHECK(six == std::vector<std::uint8_t>{1, 3, 3, 3, 4, 4});
    CHECK(data == std::vector<std::uint8_t>(2, 4));
    CHECK(full == std::vector<std::uint8_t>{1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4});
    CHECK(part == std::vector<std::uint8_t>(3, 24));
    CHECK(sum == std::vector<std::uint8_t>(5, 10));
  });
}

TEST_CASE("a batch may run again, with what its buffers hold by then") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 3});
  cluster.run([](communicator& world) {
    std::vector<int> value(4, 1);
    mics::batch b(world);
    b.all_reduce(value, value, reduction::sum);
    for (int times = 0; times < 3; ++times) b.run();
    CHECK(value == std::vector<int>(4, 27));
  });
}

TEST_CASE("an empty batch does nothing, on one rank alone too") {
  mics::thread::cluster cluster({.nodes = 1, .node_size = 2});
  cluster.run([](communicator& world) {
    if (world.rank() == 0) mics::batch(world).run();
    mics::thread::stream s;
    mics::batch(world).run(s);
    s.synchronize();
  });
}

TEST_CASE("16-bit floats of a batch add up as float, each tensor on its own") {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 2});
  cluster.run([](communicator& world) {
    std::vector<std::vector<mics::bfloat16>> tensors;
    for (std::uint64_t t = 0; t < 12; ++t) {
      tensors.push_back(terms<mics::bfloat16>(reduction::sum, world.rank(), 0, 50 + t, t));
    }
    mics::batch b(world);
    for (auto& tensor : tensors) b.all_reduce(tensor, tensor, reduction::avg);
    b.run({.accumulate = mics::accumulation::widened});
    for (std::uint64_t t = 0; t < tensors.size(); ++t) {
      CHECK(same(tensors[t], all_reduced<mics::bfloat16>(reduction::avg, everyone(world), 0, 50 + t, t)));
    }
  });
}
