#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/bootstrap.hpp>
#include <mics/mics.hpp>
#include <mics/transport/libfabric.hpp>

#include "../bootstrap/ranks.hpp"
#include "../support/collective_case.hpp"
#include "../support/geometry.hpp"

namespace mics::test {

/// Elements of a block that takes several messages, so that ranks wait for each other in the midst of it.
inline constexpr std::size_t large_block = 200'000;

/// Whether these tests can run here; says why not.
inline bool has_fabric() {
  if (!can_fork) {
    MESSAGE("left out: the thread sanitizer does not follow forked processes");
    return false;
  }
  static const std::string missing = [] {
    try {
      bootstrap::local::spawn(1, [](bootstrap::session&) { static_cast<void>(libfabric::choose_provider({})); });
      return std::string();
    } catch (const bootstrap::local::spawn_error& e) {
      return std::string(e.what());
    }
  }();
  if (!missing.empty()) MESSAGE("left out: " << missing);
  return missing.empty();
}

/// Runs `body(world, session)` on every rank; returns the ranks that failed.
template <class Body>
std::vector<bootstrap::local::child_failure> failures_of(geometry on, Body body,
                                                         const libfabric::settings& chosen = {}) {
  try {
    bootstrap::local::spawn(on.ranks(),
                            [&](bootstrap::session& job) {
                              libfabric::communicator world = libfabric::make_world(job, chosen);
                              body(world, job);
                              world = {};
                              job.barrier();  // who leaves early looks like one that died
                            },
                            {.nodes = on.nodes, .limit = std::chrono::seconds(100), .grace = std::chrono::seconds(20)});
  } catch (const bootstrap::local::spawn_error& e) {
    return e.failures();
  }
  return {};
}

/// The same; fails the test when a rank has failed.
template <class Body> void run_ranks(geometry on, Body body, const libfabric::settings& chosen = {}) {
  for (const auto& failure : failures_of(on, body, chosen)) {
    FAIL_CHECK(on.nodes << " x " << on.node_size << ": " << failure.describe());
  }
}

/// Runs a case on one rank of a group whose members are `ranks` of the world, and throws when the result is not what
/// the collective means. Collective. See collective_check.
void check_collective(const libfabric::communicator_ref& group, const rank_range& ranks, libfabric::stream& stream,
                      const collective_case& c);

}  // namespace mics::test
