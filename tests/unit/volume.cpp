#include <cstdint>

#include <doctest/doctest.h>

#include <mics/model/volume.hpp>

namespace model = mics::model;
using mics::hierarchy;

TEST_CASE("slow bytes of 4 ranks on nodes of 2: 3/4 of M become 1/2") {
  constexpr std::uint64_t block = 1 << 20;
  CHECK(model::flat_ring_bytes_into_node({2, 2}, block) == 3 * block);
  CHECK(model::hierarchical_bytes_into_node({2, 2}, block) == 2 * block);
  CHECK(model::slow_bytes({2, 2}, model::hierarchical_bytes_into_node({2, 2}, block)) == 4 * block);
}

TEST_CASE("bytes into a node are (p-1)/p and (p-k)/p of M for every shape") {
  for (int n = 2; n <= 16; ++n) {
    for (int k = 1; k <= 16; ++k) {
      const auto p = static_cast<std::uint64_t>(n * k);
      const std::uint64_t gathered = p * 1000;
      CHECK(model::flat_ring_bytes_into_node({n, k}, 1000) * p == (p - 1) * gathered);
      CHECK(model::hierarchical_bytes_into_node({n, k}, 1000) * p == (p - static_cast<std::uint64_t>(k)) * gathered);
    }
  }
}

TEST_CASE("hierarchical saves (k-1)/(p-1): the published digits for k = 8") {
  CHECK(100 * model::slow_bytes_saving({2, 8}) == doctest::Approx(46.67).epsilon(0.0001));
  CHECK(100 * model::slow_bytes_saving({4, 8}) == doctest::Approx(22.58).epsilon(0.0001));
  CHECK(100 * model::slow_bytes_saving({8, 8}) == doctest::Approx(11.11).epsilon(0.0001));
}

TEST_CASE("saving and speed-up agree with the bytes") {
  for (const hierarchy shape : {hierarchy{2, 2}, hierarchy{2, 8}, hierarchy{4, 1}, hierarchy{8, 8}}) {
    const auto flat = static_cast<double>(model::flat_ring_bytes_into_node(shape, 1));
    const auto staged = static_cast<double>(model::hierarchical_bytes_into_node(shape, 1));
    CHECK(model::slow_bytes_saving(shape) == doctest::Approx(1 - staged / flat));
    CHECK(model::best_speed_up(shape) == doctest::Approx(flat / staged));
  }
  CHECK(model::best_speed_up({2, 8}) == doctest::Approx(15.0 / 8.0));
}

TEST_CASE("one node has no slow bytes") {
  CHECK(model::flat_ring_bytes_into_node({1, 8}, 1000) == 0);
  CHECK(model::hierarchical_bytes_into_node({1, 8}, 1000) == 0);
  CHECK(model::slow_bytes_saving({1, 8}) == 0.0);
  CHECK(model::slow_bytes_saving({1, 1}) == 0.0);
  CHECK(model::best_speed_up({1, 8}) == 1.0);
}

TEST_CASE("a world of 2^24 ranks and blocks of 4 GiB fit") {
  constexpr std::uint64_t block = 1ULL << 32;
  CHECK(model::flat_ring_bytes_into_node({1 << 21, 8}, block) == ((1ULL << 24) - 1) * block);
  CHECK(model::hierarchical_bytes_into_node({1 << 21, 8}, block) == ((1ULL << 24) - 8) * block);
}
