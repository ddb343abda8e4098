// The parts of mics_perf that decide whether its answers can be trusted.
#include <algorithm>
#include <map>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include "../../bench/common/group_shape.hpp"
#include "../../bench/mics_perf/check.hpp"
#include "../../bench/mics_perf/exchange.hpp"
#include "../../bench/mics_perf/formulas.hpp"
#include "../../bench/mics_perf/interleave.hpp"
#include "../../bench/mics_perf/memory.hpp"
#include "../../bench/mics_perf/names.hpp"
#include "../../bench/mics_perf/nccl/fastest.hpp"
#include "../../bench/mics_perf/sizes.hpp"
#include "../../bench/mics_perf/statistics.hpp"

namespace {

/// What a correct all-gather or reduction leaves behind, computed without the library.
void finish(const perf::exchange& call, std::uint64_t seed) {
  if (call.reduces()) {
    const std::size_t first = call.sharded() ? static_cast<std::size_t>(call.rank) * call.count : 0;
    perf::fill(perf::result(call.type, call.reduction, call.ranks, seed), first, call.out);
    return;
  }
  for (int rank = 0; rank < call.ranks; ++rank) {
    const auto block = call.out.subspan(static_cast<std::size_t>(rank) * call.block_bytes(), call.block_bytes());
    perf::fill(perf::moved_data(call.type, rank, seed), 0, block);
  }
}

}  // namespace

TEST_CASE("mics_perf: a right result has no wrong element, one flipped bit anywhere is one wrong element") {
  for (const auto& known_op : perf::operation_names()) {
    const mics::operation op = known_op.second;
    if (op == mics::operation::broadcast) continue;
    for (const auto& known_type : perf::type_names()) {
      const mics::data_type type = known_type.second;
      if (perf::exchange{.op = op}.reduces() && !mics::is_reducible(type)) continue;
      for (const std::size_t count : {std::size_t{1}, std::size_t{13}, perf::period + 7}) {
        CAPTURE(known_op.first);
        CAPTURE(known_type.first);
        CAPTURE(count);
        const perf::exchange shape{.op = op, .type = type, .rank = 1, .ranks = 3, .count = count};
        perf::memory first(shape.bytes()), second(shape.bytes());
        const perf::exchange call = perf::placed(shape, first, second);
        perf::prepare(call, 7);
        CHECK(perf::wrong_elements(call, 7) > 0);
        finish(call, 7);
        CHECK(perf::wrong_elements(call, 7) == 0);
        perf::corrupt(call);
        CHECK(perf::wrong_elements(call, 7) == 1);
        perf::corrupt(call);
        call.in[0] ^= std::byte{1};
        CHECK(perf::wrong_elements(call, 7) == 1);
      }
    }
  }
}

TEST_CASE("mics_perf: blocks that changed places are wrong") {
  const perf::exchange shape{
      .op = mics::operation::all_gather, .type = mics::data_type::float32, .ranks = 4, .count = 64};
  perf::memory first(shape.bytes()), second(shape.bytes());
  const perf::exchange call = perf::placed(shape, first, second);
  perf::prepare(call, 1);
  finish(call, 1);
  const auto block = call.block_bytes();
  std::swap_ranges(call.out.begin(), call.out.begin() + static_cast<std::ptrdiff_t>(block),
                   call.out.begin() + static_cast<std::ptrdiff_t>(block));
  CHECK(perf::wrong_elements(call, 1) == 128);
}

TEST_CASE("mics_perf: results are exact in every type: no partial sum leaves int8 or the 8 bits of bfloat16") {
  for (const auto& known : perf::reduction_names()) {
    const mics::reduction reduction = known.second;
    for (const int p : {1, 2, 3, 8, 60, 120, 121, 1000}) {
      for (std::size_t i = 0; i < 500; ++i) {
        CAPTURE(known.first);
        CAPTURE(p);
        REQUIRE(perf::folded(reduction, p, i, 3) >= 0);
        REQUIRE(perf::folded(reduction, p, i, 3) <= 127);
      }
    }
  }
}

TEST_CASE("mics_perf: avg over a power of two is checked exactly, over other sizes to the last bits") {
  const auto avg = mics::reduction::avg;
  CHECK(perf::tolerance(mics::data_type::float32, avg, 8) == 0);
  CHECK(perf::tolerance(mics::data_type::float32, mics::reduction::sum, 6) == 0);
  CHECK(perf::tolerance(mics::data_type::float32, avg, 6) > 0);
}

TEST_CASE("mics_perf: sizes") {
  CHECK(perf::parse_bytes("8") == 8);
  CHECK(perf::parse_bytes("64K") == 65536);
  CHECK(perf::parse_bytes("1m") == 1048576);
  CHECK(perf::parse_bytes("2G") == (std::size_t{2} << 30));
  for (const char* bad : {"", "K", "1T", "1KB", "-1", "1.5M", "99999999999G"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(perf::parse_bytes(bad), std::invalid_argument);
  }
  perf::options chosen;
  chosen.min_bytes = 8;
  chosen.max_bytes = 40;
  chosen.factor = 2;
  CHECK(perf::sweep(chosen) == std::vector<std::size_t>{8, 16, 32});
  chosen.step_bytes = 16;
  CHECK(perf::sweep(chosen) == std::vector<std::size_t>{8, 24, 40});
}

TEST_CASE("mics_perf: a size becomes a whole number of elements on every rank, at least one") {
  const auto gather = mics::operation::all_gather;
  CHECK(perf::count_for(gather, mics::data_type::float32, 8, 1024) == 32);
  CHECK(perf::count_for(gather, mics::data_type::float32, 8, 1) == 1);
  CHECK(perf::count_for(gather, mics::data_type::uint8, 3, 10) == 3);
  CHECK(perf::count_for(mics::operation::all_reduce, mics::data_type::float64, 8, 1024) == 128);
}

TEST_CASE("mics_perf: limits and bus bandwidth follow the formulas") {
  const auto gather = mics::operation::all_gather;
  // 16 MiB over 2 x 4 ranks at 1 Gbit/s: half of it enters a node.
  CHECK(*perf::limit_us(gather, 16 << 20, {2, 4}, 4, 1.0) == doctest::Approx(67108.864));
  CHECK(*perf::limit_us(mics::operation::all_reduce, 16 << 20, {2, 4}, 4, 1.0) == doctest::Approx(134217.728));
  CHECK_FALSE(perf::limit_us(gather, 16 << 20, {1, 4}, 4, 1.0));
  CHECK_FALSE(perf::limit_us(gather, 16 << 20, {2, 4}, 4, std::nullopt));
  // The four replication groups of two nodes of four share the card: each takes its half of 1 MiB over it, twice.
  CHECK(*perf::limit_us(mics::operation::all_reduce, 1 << 20, {2, 1}, 4, 1.0) == doctest::Approx(4 * 8388.608));
  CHECK(perf::bus_factor(gather, 8) == 0.875);
  CHECK(perf::bus_factor(mics::operation::all_reduce, 8) == 1.75);
}

TEST_CASE("mics_perf: medians") {
  CHECK(perf::median({5}) == 5);
  CHECK(perf::median({9, 1, 5}) == 5);
  CHECK(perf::median({4, 1, 3, 2}) == 2.5);
}

TEST_CASE("mics_perf: words of the command line") {
  using names = std::vector<std::string>;
  CHECK(perf::look_up(names{"all"}, perf::type_names()).size() == mics::data_type_count);
  CHECK(perf::look_up(names{"half"}, perf::type_names())[0].second == mics::data_type::float16);
  CHECK(perf::look_up(names{"flat"}, perf::algorithm_names())[0].second == mics::algorithm::ring);
  CHECK(perf::look_up(names{"f8e5m2"}, perf::type_names())[0].second == mics::data_type::float8_e5m2);
  CHECK_THROWS_AS(perf::look_up(names{"float8"}, perf::type_names()), std::invalid_argument);
}

TEST_CASE("mics_perf: a budget takes rounds away, but leaves three") {
  const perf::rounds free{.measured = 20}, tight{.measured = 20, .budget_seconds = 1};
  CHECK(perf::affordable(free, 100) == 20);
  CHECK(perf::affordable(tight, 0.01) == 20);
  CHECK(perf::affordable(tight, 0.1) == 10);
  CHECK(perf::affordable(tight, 5) == 3);
  CHECK(perf::affordable({.measured = 2, .budget_seconds = 1}, 5) == 2);
}

namespace {

/// A measured row of 2 nodes x 2 ranks.
perf::row timed(const char* algo, std::size_t size, double us, bool in_place = false) {
  perf::row r;
  r.op = "all_gather";
  r.algo = algo;
  r.node_size = 2;
  r.partition = 4;
  r.size = size;
  r.in_place = in_place;
  r.time_us = us;
  return r;
}

}  // namespace

TEST_CASE("mics_perf: the fastest way at each size; equal neighbours are one range, close times go to fewer launches") {
  using mics::algorithm;
  const std::vector<perf::row> rows{
      timed("native", 1024, 10),  timed("hierarchical", 1024, 9.9), timed("packed", 1024, 11),  // close
      timed("native", 4096, 10),  timed("hierarchical", 4096, 12),  timed("packed", 4096, 12),
      timed("native", 16384, 30), timed("hierarchical", 16384, 12), timed("packed", 16384, 11.9),
      timed("native", 65536, 99), timed("hierarchical", 65536, 90), timed("packed", 65536, 50),
      timed("nccl", 65536, 1),  // takes no part
  };
  const auto ranges = perf::fastest(rows, 4096);
  REQUIRE(ranges.size() == 3);
  CHECK(ranges[0] ==
        mics::nccl::tuned_range{mics::operation::all_gather, 2, 2, 8192, algorithm::native, algorithm::direct});
  CHECK(ranges[1] ==
        mics::nccl::tuned_range{mics::operation::all_gather, 2, 2, 32768, algorithm::hierarchical, algorithm::direct});
  CHECK(ranges[2] ==
        mics::nccl::tuned_range{mics::operation::all_gather, 2, 2, 131072, algorithm::hierarchical, algorithm::native});
}

TEST_CASE("mics_perf: among large sizes, close is not equal") {
  const auto ranges = perf::fastest({timed("hierarchical", 64 << 20, 41'701), timed("packed", 64 << 20, 40'999)}, 4096);
  REQUIRE(ranges.size() == 1);
  CHECK(ranges[0].on_rail == mics::algorithm::native);
}

TEST_CASE("mics_perf: overlapped ways win with their chunks, and keep their rail stage") {
  const auto ranges = perf::fastest({timed("hierarchical", 1 << 20, 9), timed("overlapped", 1 << 20, 8),
                                     timed("packed", 64 << 20, 9), timed("overlapped_packed", 64 << 20, 8)},
                                    65536);
  REQUIRE(ranges.size() == 2);
  CHECK(ranges[0].on_rail == mics::algorithm::direct);
  CHECK(ranges[0].chunk_bytes == 65536);
  CHECK(perf::variant_of(ranges[0]) == "overlapped");
  CHECK(perf::variant_of(ranges[1]) == "overlapped_packed");
}

TEST_CASE("mics_perf: both forms count for the fastest way") {
  const auto ranges = perf::fastest({timed("native", 1024, 10), timed("native", 1024, 30, true),
                                     timed("hierarchical", 1024, 15), timed("hierarchical", 1024, 15, true)},
                                    4096);
  REQUIRE(ranges.size() == 1);
  CHECK(ranges[0].how == mics::algorithm::hierarchical);
  CHECK(ranges[0].up_to_bytes == 1024);
}

TEST_CASE("mics_perf: the shape of a replication group is where its members are") {
  for (const int node_size : {1, 2, 4, 6}) {
    for (const int partition : {1, 2, 3, 4, 8, 12}) {
      const int nodes = 24;
      const auto geometry = mics::topology::uniform(nodes * node_size, node_size, partition);
      std::map<int, int> on_node;
      for (const int rank : geometry.replication_of(0)) ++on_node[geometry.node_of(rank)];
      const int first = on_node.begin()->second;
      const bool even = std::all_of(on_node.begin(), on_node.end(), [first](auto n) { return n.second == first; });
      const int size = geometry.replication_size();
      const mics::hierarchy expected = even ? mics::hierarchy{size / first, first} : mics::hierarchy{1, size};
      CAPTURE(node_size);
      CAPTURE(partition);
      CHECK(group_shape(nodes, node_size, partition, true) == expected);
      CHECK(group_shape(nodes, node_size, partition, false) == geometry.hierarchy_of(0));
    }
  }
}
