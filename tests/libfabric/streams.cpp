// Several groups of a rank at once, in streams; batches.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/groups.hpp>

#include "../support/terms.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::reduction;
using mics::libfabric::communicator;
using mics::libfabric::stream;

template <class T> bool same(const std::vector<T>& got, const std::vector<T>& wanted) {
  return difference<T>(got, wanted).empty();
}

}  // namespace

TEST_CASE("groups that run at once in streams do not wait for each other, in whatever order their ranks come") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{1, 2}, geometry{2, 1}, geometry{2, 2}}) {
    run_ranks(on, [](communicator& world, mics::bootstrap::session&) {
      const mics::rank_range everyone{0, world.size(), 1};
      const communicator other = world.split(0, world.rank());
      constexpr std::size_t count = 100'000;
      constexpr std::uint64_t rounds = 8;
      stream one, two;
      std::vector<std::vector<int>> first, second;
      for (std::uint64_t i = 0; i < rounds; ++i) {
        first.push_back(terms<int>(reduction::sum, world.rank(), 0, count, i));
        second.push_back(terms<int>(reduction::sum, world.rank(), 0, 7, 100 + i));
      }
      // Even ranks queue large sums before small ones, odd ranks the other way around.
      const auto large = [&] {
        for (auto& data : first) mics::all_reduce(world, data, data, reduction::sum, one);
      };
      const auto small = [&] {
        for (auto& data : second) mics::all_reduce(other, data, data, reduction::sum, two);
      };
      if (world.rank() % 2 == 0) {
        large();
        one.synchronize();
        small();
      } else {
        small();
        large();
      }
      one.synchronize();
      two.synchronize();
      for (std::uint64_t i = 0; i < rounds; ++i) {
        expect(same(first[i], all_reduced<int>(reduction::sum, everyone, 0, count, i)), "large sums");
        expect(same(second[i], all_reduced<int>(reduction::sum, everyone, 0, 7, 100 + i)), "small sums");
      }
    });
  }
}

TEST_CASE("gathers, scatters and sums of many sizes run as one batch") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{1, 3}, geometry{2, 2}, geometry{3, 2}}) {
    run_ranks(on, [](communicator& world, mics::bootstrap::session&) {
      const auto n = static_cast<std::size_t>(world.size());
      const mics::rank_range everyone{0, world.size(), 1};
      const std::vector<std::size_t> sizes{0, 1, 7, 129, 30'000, 3, 0, 6'000, 1};
      std::vector<std::vector<float>> shards, fulls, wanted;
      std::vector<std::vector<int>> inputs, parts, sums;
      for (std::size_t t = 0; t < sizes.size(); ++t) {
        shards.push_back(any_bits<float>(world.rank(), sizes[t], t));
        fulls.emplace_back(n * sizes[t]);
        wanted.emplace_back();
        for (int r = 0; r < world.size(); ++r) {
          const auto block = any_bits<float>(r, sizes[t], t);
          wanted.back().insert(wanted.back().end(), block.begin(), block.end());
        }
        inputs.push_back(terms<int>(reduction::sum, world.rank(), 0, n * sizes[t], t));
        parts.emplace_back(sizes[t]);
        sums.push_back(
            all_reduced<int>(reduction::sum, everyone, static_cast<std::size_t>(world.rank()) * sizes[t], sizes[t], t));
      }
      for (int times = 0; times < 3; ++times) {
        mics::batch b(world);
        for (std::size_t t = 0; t < sizes.size(); ++t) {
          b.all_gather(shards[t], fulls[t]);
          b.reduce_scatter(inputs[t], parts[t], reduction::sum);
        }
        b.run({.chunk_bytes = 70'000});
        for (std::size_t t = 0; t < sizes.size(); ++t) {
          expect(same(fulls[t], wanted[t]) && same(parts[t], sums[t]), "tensor " + std::to_string(t));
        }
      }
    });
  }
}

TEST_CASE("many groups come and go") {
  if (!has_fabric()) return;
  run_ranks({2, 2}, [](communicator& world, mics::bootstrap::session&) {
    for (int round = 0; round < 30; ++round) {
      const communicator half = world.split(world.rank() % 2, -world.rank());
      const communicator own = half.split(world.rank(), 0);
      std::vector<int> value(9'000, world.rank());
      mics::all_reduce(half, value, value, reduction::sum);
      expect(value[8'999] == 2 + 2 * (world.rank() % 2), "the sum of two ranks on two nodes");
      expect(half.rank() == (world.rank() < 2 ? 1 : 0) && own.size() == 1, "ordered by key");
      mics::barrier(own);
    }
  });
}
