// Every element type and reduction, in place and not, with every algorithm, on groups of each kind.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../support/geometry.hpp"
#include "thread_check.hpp"

namespace {

using namespace mics::test;

std::vector<mics::data_type> first_types(int count) {
  std::vector<mics::data_type> types;
  for (int t = 0; t < count; ++t) types.push_back(static_cast<mics::data_type>(t));
  return types;
}

std::vector<mics::reduction> reductions_of(mics::data_type type) {
  using enum mics::reduction;
  return mics::is_integer(type) ? std::vector{sum, min, max, prod} : std::vector{sum, avg, min, max, prod};
}

/// Runs every case that `for_each_case` names on all ranks of n nodes x k ranks; returns how many.
template <class ForEach> int run_all(int nodes, int node_size, ForEach for_each_case) {
  std::atomic<int> cases{0};
  cluster_of(nodes * node_size, node_size).run([&](mics::thread::communicator& world) {
    mics::thread::stream stream;
    for_each_case(world, [&](const collective_case& c) {
      const std::string wrong = check_collective(world, {0, world.size(), 1}, stream, c);
      if (!wrong.empty()) FAIL_CHECK(nodes << " x " << node_size << ": " << wrong);
      ++cases;
    });
  });
  return cases;
}

constexpr geometry geometries_of_all_kinds[] = {{1, 1}, {1, 4}, {1, 5}, {2, 2}, {3, 2}, {4, 1}};

}  // namespace

TEST_CASE("every type and reduction, with every algorithm") {
  for (const auto [nodes, node_size] : geometries_of_all_kinds) {
    const int cases = run_all(nodes, node_size, [](const auto& world, auto run) {
      std::uint64_t seed = 0;
      for (const auto what : {mics::operation::reduce_scatter, mics::operation::all_reduce}) {
        const std::size_t count = what == mics::operation::all_reduce ? 431 : 79;
        for (const auto type : first_types(mics::reducible_type_count)) {
          for (const auto reduce : reductions_of(type)) {
            for (const auto how : algorithms_of(what, world.size(), world.shape().hierarchical())) {
              for (const bool in_place : {false, true}) {
                run({.what = what,
                     .count = count,
                     .type = type,
                     .reduce = reduce,
                     .in_place = in_place,
                     .options = {.how = how, .chunk_bytes = 128},
                     .seed = ++seed});
              }
            }
          }
        }
      }
    });
    CHECK(cases > 800);
  }
}

TEST_CASE("every type is moved bit by bit, NaNs too") {
  for (const auto [nodes, node_size] : geometries_of_all_kinds) {
    const int cases = run_all(nodes, node_size, [](const auto& world, auto run) {
      std::uint64_t seed = 0;
      for (const auto what : {mics::operation::all_gather, mics::operation::broadcast}) {
        for (const auto type : first_types(mics::data_type_count)) {
          for (const auto how : algorithms_of(what, world.size(), world.shape().hierarchical())) {
            ++seed;
            run({.what = what,
                 .count = 101,
                 .type = type,
                 .root = static_cast<int>(seed) % world.size(),
                 .in_place = seed % 2 == 0,
                 .options = {.how = how, .chunk_bytes = 128},
                 .seed = seed});
          }
        }
      }
    });
    CHECK(cases >= 14 * 6);
  }
}

TEST_CASE("16-bit floats that add up as float give the exact sums too") {
  for (const auto [nodes, node_size] : geometries_of_all_kinds) {
    run_all(nodes, node_size, [](const auto& world, auto run) {
      std::uint64_t seed = 0;
      for (const auto what : {mics::operation::reduce_scatter, mics::operation::all_reduce}) {
        for (const auto type : {mics::data_type::float16, mics::data_type::bfloat16}) {
          for (const auto reduce : reductions_of(type)) {
            for (const auto how : algorithms_of(what, world.size(), world.shape().hierarchical())) {
              ++seed;
              const auto widened = mics::accumulation::widened;
              run({.what = what,
                   .count = 97,
                   .type = type,
                   .reduce = reduce,
                   .in_place = seed % 2 == 0,
                   .on_stream = seed % 3 == 0,
                   .uneven = seed % 5 == 0 && what == mics::operation::reduce_scatter,
                   .options = {.how = how, .chunk_bytes = 256, .accumulate = widened},
                   .seed = seed});
            }
          }
        }
      }
    });
  }
}
