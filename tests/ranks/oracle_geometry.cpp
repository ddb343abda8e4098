// Every collective and algorithm on every geometry of up to 16 ranks, against what it means.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/groups.hpp>

#include "thread_check.hpp"

namespace {

using namespace mics::test;

/// The cases of one group, the same on all its ranks: each algorithm with each count, in a form that `random` picks.
std::vector<collective_case> cases_for(int size, bool hierarchical, dice random) {
  std::vector<collective_case> all;
  for (int op = 0; op < mics::operation_count; ++op) {
    const auto what = static_cast<mics::operation>(op);
    const bool whole = what == mics::operation::all_reduce;  // counts the whole buffer; make its blocks as large
    const bool counted = what != mics::operation::barrier;
    for (const auto how : algorithms_of(what, size, hierarchical)) {
      for (const std::size_t count : counted ? std::vector<std::size_t>{0, 1, 13, 193} : std::vector<std::size_t>{0}) {
        collective_case c{.what = what, .count = count, .seed = random.roll(1'000'000)};
        c.type = random.one_in(2) ? mics::data_type::float32 : mics::data_type::int16;
        if (whole && count == 193) c.count = 193 * static_cast<std::size_t>(size) - 1;
        c.root = random.between(0, size - 1);
        c.in_place = random.one_in(2);
        c.on_stream = random.one_in(4);
        c.uneven = !whole && what != mics::operation::broadcast && random.one_in(3);
        c.run_time_typed = random.one_in(3);
        c.options.how = how;
        c.options.chunk_bytes = random.one_in(2) ? 100 : 0;
        c.options.checked = random.one_in(16);
        all.push_back(c);
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("every geometry, collective and algorithm gives what the collective means") {
  std::atomic<int> cases{0};
  for_each_cluster(16, [&](int world_size, int node_size) {
    auto cluster = cluster_of(world_size, node_size);
    cluster.run([&](mics::thread::communicator& world) {
      mics::thread::stream stream;
      for (const int p : divisors(world_size)) {
        auto groups = mics::groups(world, {.node_size = node_size, .partition_size = p});
        const auto ranks = groups.topology().partition_of(world.rank());
        const auto partition = groups.partition();
        const dice random(static_cast<std::uint64_t>(world_size * 10'000 + node_size * 100 + p));
        for (const auto& c : cases_for(p, partition.shape().hierarchical(), random)) {
          const std::string wrong = check_collective(partition, ranks, stream, c);
          if (!wrong.empty()) {
            FAIL_CHECK(groups.topology().describe() << "\n" << wrong);
          }
          ++cases;
        }
      }
    });
  });
  CHECK(cases > 100'000);
}
