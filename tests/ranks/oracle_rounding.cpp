// Sums of floats that do not add up exactly: within the stated rounding, the same to the bit on all ranks, and the same
// again in another run.

#include <cstddef>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

#include "../support/collective_case.hpp"
#include "../support/geometries.hpp"
#include "../support/geometry.hpp"
#include "../support/rounding.hpp"

namespace {

using namespace mics::test;

constexpr std::size_t elements = 700;

template <class T> std::vector<T> values_of(int rank) { return values_between_1_and_2<T>(rank, elements); }

/// All-reduces on every rank, once or in several runs; results by run and rank.
template <class T>
std::vector<std::vector<std::vector<T>>> results_of(int nodes, int node_size, mics::reduction reduce,
                                                    const mics::collective_options& options, int runs) {
  const auto size = static_cast<std::size_t>(nodes * node_size);
  std::vector results(static_cast<std::size_t>(runs), std::vector<std::vector<T>>(size));
  auto cluster = cluster_of(nodes * node_size, node_size);
  for (auto& run : results) {
    cluster.run([&](mics::thread::communicator& world) {
      const auto input = values_of<T>(world.rank());
      auto& output = run[static_cast<std::size_t>(world.rank())];
      output.resize(elements);
      mics::all_reduce(world, input, output, reduce, options);
    });
  }
  return results;
}

template <class T> bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// `roundings`: how often one element is rounded at most, beyond what float arithmetic adds inside a fold.
template <class T> void check(const mics::collective_options& options, int nodes, int node_size, double roundings) {
  for (const auto reduce : {mics::reduction::sum, mics::reduction::avg}) {
    INFO(name_of(mics::data_type_of<T>) << " " << name_of(reduce) << " " << name_of(options.how) << " on " << nodes
                                        << " x " << node_size);
    const auto results = results_of<T>(nodes, node_size, reduce, options, 2);
    for (const auto& run : results) {
      for (const auto& result : run) CHECK(same_bits(result, results[0][0]));
    }
    const int size = nodes * node_size;
    const double in_float = sizeof(T) == 2 ? size * unit<float> : 0;
    CHECK(worst_error(results[0][0], size, reduce) <= roundings * unit<T> * 1.01 + in_float);
    if (size > 2) CHECK(worst_error(results[0][0], size, reduce) > 0);  // else the bound says nothing
  }
}

constexpr geometry some_geometries[] = {{1, 2}, {1, 7}, {2, 2}, {2, 4}, {3, 3}};

template <class T> void check_all_algorithms() {
  for (const auto [nodes, node_size] : some_geometries) {
    const int size = nodes * node_size;
    for (const auto how : algorithms_of(mics::operation::all_reduce, size, nodes > 1)) {
      check<T>({.how = how, .chunk_bytes = 256}, nodes, node_size, size);  // size - 1 additions and a scale
    }
  }
}

}  // namespace

TEST_CASE("sums and means in float") { check_all_algorithms<float>(); }
TEST_CASE("sums and means in double") { check_all_algorithms<double>(); }
TEST_CASE("sums and means in float16: one rounding a stage at most") { check_all_algorithms<mics::float16>(); }
TEST_CASE("sums and means in bfloat16: one rounding a stage at most") { check_all_algorithms<mics::bfloat16>(); }

TEST_CASE("one step rounds a 16-bit result once") {
  for (const auto how : {mics::algorithm::direct, mics::algorithm::exchange}) {
    check<mics::float16>({.how = how}, 1, 7, 1);
    check<mics::bfloat16>({.how = how}, 1, 7, 1);
  }
}

TEST_CASE("widened accumulation rounds once in all, whatever the algorithm") {
  for (const auto [nodes, node_size] : some_geometries) {
    for (const auto how : algorithms_of(mics::operation::all_reduce, nodes * node_size, nodes > 1)) {
      const mics::collective_options options{.how = how, .accumulate = mics::accumulation::widened};
      check<mics::float16>(options, nodes, node_size, 1);
      check<mics::bfloat16>(options, nodes, node_size, 1);
    }
  }
}

TEST_CASE("a rank's shard of a reduce-scatter is the same in another run") {
  for (const auto how : algorithms_of(mics::operation::reduce_scatter, 8, true)) {
    std::vector<std::vector<float>> first(8), second(8);
    for (auto* shards : {&first, &second}) {
      cluster_of(8, 4).run([&](mics::thread::communicator& world) {
        std::vector<float> input;
        for (int block = 0; block < 8; ++block) {
          const auto values = values_of<float>(8 * world.rank() + block);
          input.insert(input.end(), values.begin(), values.end());
        }
        auto& shard = (*shards)[static_cast<std::size_t>(world.rank())];
        shard.resize(elements);
        mics::reduce_scatter(world, input, shard, mics::reduction::sum, {.how = how, .chunk_bytes = 512});
      });
    }
    INFO(name_of(how));
    CHECK(first == second);
  }
}
