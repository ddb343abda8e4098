// Every element type and reduction between processes, with every algorithm, on one node and on several.

#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::libfabric::communicator;
using mics::libfabric::settings;
using mics::libfabric::stream;

std::vector<mics::reduction> reductions_of(mics::data_type type) {
  using enum mics::reduction;
  return mics::is_integer(type) ? std::vector{sum, min, max, prod} : std::vector{sum, avg, min, max, prod};
}

/// All types in all forms, of a number of elements that nothing divides.
void run_types(communicator& world) {
  stream s;
  std::uint64_t seed = 0;
  const auto run = [&](collective_case c) {
    c.seed = ++seed;
    c.in_place = seed % 2 == 0;
    c.options.chunk_bytes = 128;
    c.options.checked = false;
    check_collective(world, {0, world.size(), 1}, s, c);
  };
  for (int op = 0; op < mics::operation_count; ++op) {
    const auto what = static_cast<mics::operation>(op);
    if (what == mics::operation::barrier) continue;
    for (int t = 0; t < mics::data_type_count; ++t) {
      const auto type = static_cast<mics::data_type>(t);
      if (collective_case{.what = what}.reduces() && !mics::is_reducible(type)) continue;
      for (const auto how : algorithms_of(what, world.size(), world.shape().hierarchical())) {
        collective_case c{.what = what, .count = 79, .type = type, .root = world.size() - 1};
        c.options.how = how;
        if (!c.reduces()) {
          run(c);
          continue;
        }
        for (const auto reduce : reductions_of(type)) {
          c.reduce = reduce;
          run(c);
          if (mics::size_of(type) != 2 || mics::is_integer(type)) continue;
          c.options.accumulate = mics::accumulation::widened;
          run(c);
          c.options.accumulate = mics::accumulation::native;
        }
      }
    }
  }
}

void run_types_on(geometry on, const settings& chosen) {
  run_ranks(
      on, [](communicator& world, mics::bootstrap::session&) { run_types(world); }, chosen);
}

}  // namespace

TEST_CASE("every type and reduction, with every algorithm") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{1, 3}, geometry{2, 2}, geometry{3, 2}}) run_types_on(on, {.checked = false});
}

TEST_CASE("the same by tagged messages") {
  if (!has_fabric()) return;
  run_types_on({2, 2}, {.checked = false, .one_sided = false});
}
