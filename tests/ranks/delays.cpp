// Ranks that come late, in random order, over many calls of all kinds and groups: results stay right.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <mics/groups.hpp>

#include "thread_check.hpp"

namespace {

using namespace mics::test;

/// Sleeps now and then; each rank at other times.
void dawdle(dice& own) {
  if (own.one_in(8)) std::this_thread::sleep_for(std::chrono::microseconds(own.roll(300)));
}

collective_case any_case(int size, bool hierarchical, dice& shared) {
  collective_case c{.what = static_cast<mics::operation>(shared.roll(mics::operation_count)),
                    .count = shared.roll(400),
                    .seed = shared.roll(1'000'000)};
  c.type = static_cast<mics::data_type>(
      shared.roll(static_cast<std::size_t>(c.reduces() ? mics::reducible_type_count : mics::data_type_count)));
  const auto algorithms = algorithms_of(c.what, size, hierarchical);
  c.reduce = static_cast<mics::reduction>(shared.roll(mics::reduction_count));
  if (c.reduce == mics::reduction::avg && mics::is_integer(c.type)) c.reduce = mics::reduction::sum;
  c.root = shared.between(0, size - 1);
  c.in_place = shared.one_in(2);
  c.on_stream = shared.one_in(3);
  c.uneven = shared.one_in(3) && (c.what == mics::operation::all_gather || c.what == mics::operation::reduce_scatter);
  c.options.how = algorithms[shared.roll(algorithms.size())];
  c.options.chunk_bytes = shared.one_in(2) ? 64 : 0;
  c.options.checked = shared.one_in(4);
  return c;
}

void run_late(int nodes, int node_size, int p, std::uint64_t seed) {
  auto cluster = cluster_of(nodes * node_size, node_size);
  cluster.run([&](mics::thread::communicator& world) {
    auto groups = mics::groups(world, {.partition_size = p});
    const auto partition = groups.partition();
    const auto replication = groups.replication();
    mics::thread::stream stream;
    const auto& topology = groups.topology();
    const mics::rank_range inner = topology.partition_of(world.rank()), outer = topology.replication_of(world.rank());
    dice shared(seed), own(seed + static_cast<std::uint64_t>(world.rank()) + 1);
    for (int call = 0; call < 150; ++call) {
      dawdle(own);
      const bool over = shared.one_in(3);
      const auto& group = over ? replication : partition;
      const auto c = any_case(group.size(), group.shape().hierarchical(), shared);
      const std::string wrong = check_collective(group, over ? outer : inner, stream, c);
      if (!wrong.empty()) FAIL_CHECK("call " << call << ": " << wrong);
    }
  });
}

}  // namespace

TEST_CASE("ranks that come late do no harm") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    run_late(2, 4, 4, seed);
    run_late(2, 2, 4, 100 * seed);
    run_late(4, 2, 4, 10'000 * seed);
    run_late(1, 6, 3, 1'000'000 * seed);
  }
}
