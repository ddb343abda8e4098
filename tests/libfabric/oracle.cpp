// Every collective and algorithm between processes, on pretended nodes, against what it means.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/groups.hpp>

#include "../support/random.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::libfabric::communicator;
using mics::libfabric::settings;
using mics::libfabric::stream;

constexpr geometry geometries[] = {{1, 2}, {2, 1}, {2, 2}, {2, 3}, {3, 2}, {2, 4}, {4, 4}};

/// The cases of one group, the same on all its ranks: each algorithm with each count, in a form that `random` picks.
/// Counts: nothing; inside one packet; pieces of shared memory and slots of the network.
std::vector<collective_case> cases_for(int size, bool staged, dice random) {
  std::vector<collective_case> all;
  for (int op = 0; op < mics::operation_count; ++op) {
    const auto what = static_cast<mics::operation>(op);
    const bool counted = what != mics::operation::barrier;
    for (const auto how : algorithms_of(what, size, staged)) {
      for (const std::size_t count :
           counted ? std::vector<std::size_t>{0, 1, 193, 45'011} : std::vector<std::size_t>{0}) {
        collective_case c{.what = what, .count = count, .seed = random.roll(1'000'000)};
        c.type = random.one_in(2) ? mics::data_type::float32 : mics::data_type::int16;
        c.root = random.between(0, size - 1);
        c.in_place = random.one_in(2);
        c.on_stream = random.one_in(4);
        c.uneven = what != mics::operation::all_reduce && what != mics::operation::broadcast && random.one_in(3);
        c.run_time_typed = random.one_in(3);
        c.options.how = how;
        c.options.chunk_bytes = count > 193 ? 35'000 * random.roll(3) : (random.one_in(2) ? 100 : 0);
        c.options.checked = random.one_in(16);
        all.push_back(c);
      }
    }
  }
  return all;
}

void run_cases(communicator& world, int node_size, int partition_size, stream& s) {
  auto groups = mics::groups(world, {.node_size = node_size, .partition_size = partition_size});
  const auto ranks = groups.topology().partition_of(world.rank());
  const auto partition = groups.partition();
  const dice random(static_cast<std::uint64_t>(world.size() * 10'000 + node_size * 100 + partition_size));
  for (const auto& c : cases_for(partition_size, partition.shape().hierarchical(), random)) {
    check_collective(partition, ranks, s, c);
  }
}

void run_geometry(geometry on, const settings& chosen = {}) {
  run_ranks(
      on,
      [on](communicator& world, mics::bootstrap::session&) {
        stream s;
        run_cases(world, on.node_size, world.size(), s);
        if (world.size() % 2 == 0) run_cases(world, on.node_size, world.size() / 2, s);
      },
      chosen);
}

}  // namespace

TEST_CASE("every collective and algorithm gives what the collective means, in the world and in halves of it") {
  if (!has_fabric()) return;
  for (const geometry on : geometries) run_geometry(on, {.checked = false});
}

TEST_CASE("the same by tagged messages, as on providers that cannot write") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{2, 1}, geometry{3, 2}}) run_geometry(on, {.checked = false, .one_sided = false});
}

TEST_CASE("the same without shared memory, and over another provider") {
  if (!has_fabric()) return;
  run_geometry({1, 4}, {.checked = false, .share_memory = false});
  run_geometry({2, 2}, {.checked = false, .provider = "tcp;ofi_rxm"});
}
