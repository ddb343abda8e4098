// Ranks that leave when they are done, while others are not.

#include <array>
#include <chrono>

#include <doctest/doctest.h>

#include "endpoint_of.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::libfabric::communicator;

/// As many as a sender may send at once behind those of a barrier, which is more than it takes until their receiver
/// owes it a credit.
constexpr int messages = mics::libfabric::rail_window - 1;

/// Broadcasts of rank 0, which waits for nobody.
void broadcast_some(const communicator& world) {
  for (int i = 0; i < messages; ++i) {
    std::array<int, 10> data{};
    if (world.rank() == 0) data.fill(i);
    mics::broadcast(world, data, 0);
    for (const int value : data) expect(value == i, "the root's data come");
  }
}

/// Rank 0 sends what it has and leaves; rank 1 receives it after `meanwhile(world, job)`, at whose end rank 0 has left.
template <class Meanwhile> void leave_early(bool one_sided, Meanwhile meanwhile) {
  run_ranks({2, 1},
            [&](communicator& world, mics::bootstrap::session& job) {
              mics::barrier(world);  // they are connected
              if (world.rank() == 0) {
                broadcast_some(world);
                world = {};
                job.barrier();
              } else {
                meanwhile(world, job);
                broadcast_some(world);
              }
            },
            {.timeout = std::chrono::seconds(10), .checked = false, .one_sided = one_sided});
}

}  // namespace

TEST_CASE("what a rank has sent before it left is received, though nothing can be said to it any more") {
  if (!has_fabric()) return;
  for (const bool one_sided : {true, false}) {
    leave_early(one_sided,
                [](communicator& world, mics::bootstrap::session& job) { meet(job, endpoint_of(world).rail()); });
  }
}

TEST_CASE("the same where its receiver was away for longer than it waits for a goodbye") {
  if (!has_fabric()) return;
  leave_early(true, [](communicator&, mics::bootstrap::session& job) { job.barrier(); });
}
