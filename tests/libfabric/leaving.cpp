// Ranks that leave when they are done, while others are not.

#include <array>
#include <chrono>

#include <doctest/doctest.h>

#include "endpoint_of.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::libfabric::communicator;

/// As many messages as it takes until their receiver owes their sender a credit, and as the sender may send at once.
constexpr int messages = 8;

/// Broadcasts of rank 0, which waits for nobody.
void broadcast_some(const communicator& world) {
  for (int i = 0; i < messages; ++i) {
    std::array<int, 10> data{};
    if (world.rank() == 0) data.fill(i);
    mics::broadcast(world, data, 0);
    for (const int value : data) expect(value == i, "the root's data come");
  }
}

}  // namespace

TEST_CASE("what a rank has sent before it left is received, though nothing can be said to it any more") {
  if (!has_fabric()) return;
  for (const bool one_sided : {true, false}) {
    run_ranks({2, 1},
              [](communicator& world, mics::bootstrap::session& job) {
                if (world.rank() == 0) {
                  broadcast_some(world);
                  world = {};
                  job.barrier();
                } else {
                  meet(job, endpoint_of(world).rail());
                  broadcast_some(world);
                }
              },
              {.timeout = std::chrono::seconds(10), .checked = false, .one_sided = one_sided});
  }
}
