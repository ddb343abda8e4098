// What `automatic` means between processes.

#include <cstddef>
#include <string>

#include <doctest/doctest.h>

#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::algorithm;
using mics::operation;
using mics::libfabric::communicator;

void expect_choice(const communicator& world, operation what, std::size_t bytes, algorithm wanted) {
  const algorithm chosen = mics::plan_for(world, what, bytes).how();
  expect(chosen == wanted, std::string(name_of(what)) + " of " + std::to_string(bytes) + " bytes goes by " +
                               std::string(name_of(chosen)) + ", not by " + std::string(name_of(wanted)));
}

}  // namespace

TEST_CASE("between nodes leaders speak for small messages, and the stages move large ones") {
  if (!has_fabric()) return;
  run_ranks({2, 4}, [](communicator& world, mics::bootstrap::session&) {
    for (const operation what : {operation::all_gather, operation::reduce_scatter, operation::all_reduce}) {
      expect_choice(world, what, 1 << 10, algorithm::leader);
      expect_choice(world, what, 1 << 20, algorithm::hierarchical);
    }
  });
}

TEST_CASE("inside a node all meet for small messages, and read each other's memory for large ones") {
  if (!has_fabric()) return;
  run_ranks({1, 4}, [](communicator& world, mics::bootstrap::session&) {
    expect_choice(world, operation::all_reduce, 4 << 10, algorithm::exchange);
    for (const operation what : {operation::all_gather, operation::reduce_scatter, operation::all_reduce}) {
      expect_choice(world, what, 1 << 20, algorithm::direct);
    }
  });
}
