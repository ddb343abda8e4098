// A rank that waits says for whom: the peer whose message is missing, not one that waits itself further on.

#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../support/rehearsal.hpp"
#include "../support/simulation.hpp"

namespace {

using namespace mics::test;
using mics::algorithm;
using mics::operation;

/// Runs a program as far as it goes while one rank never comes; returns what each of the others waits for.
std::vector<std::string> waits_without(int missing, const mics::recipe& recipe, int nodes, int node_size) {
  const rehearsed what(recipe, nodes, node_size);
  rehearsal one(what, {.seed = 2});
  fake_network network({.ranks = what.size()});
  network.set_calm(true);
  std::vector<std::vector<mics::schedule::part>> parts;
  for (int rank = 0; rank < what.size(); ++rank) parts.push_back({one.part_of(rank)});
  std::vector<fake_port> ports;
  for (int rank = 0; rank < what.size(); ++rank) ports.emplace_back(network, rank);
  using execution = mics::schedule::execution<fake_port>;
  std::vector<std::array<execution::sources, mics::schedule::lanes>> rooms(parts.size());
  std::vector<execution> ranks;
  for (std::size_t r = 0; r < parts.size(); ++r) ranks.emplace_back(ports[r], parts[r], rooms[r]);
  for (int sweep = 0; sweep < 100; ++sweep) {
    for (std::size_t r = 0; r < ranks.size(); ++r) {
      if (static_cast<int>(r) != missing) ranks[r].advance();
    }
  }
  std::vector<std::string> waits;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    waits.push_back(static_cast<int>(r) == missing ? "missing" : ranks[r].done() ? "done" : ranks[r].waiting_for());
  }
  return waits;
}

}  // namespace

TEST_CASE("hierarchical reduce-scatter: a missing neighbour is named by its own node first") {
  for (const auto rail : {algorithm::direct, algorithm::ring}) {
    const auto waits = waits_without(1, {operation::reduce_scatter, algorithm::hierarchical, rail, 0}, 2, 2);
    CHECK(waits[0] == "node stage, chunk 0: waiting for the data of rank 1");
    CHECK(waits[3] == "rail stage, chunk 0: waiting for the data of rank 1");
  }
}

TEST_CASE("hierarchical all-gather: rail and node stage name whom they miss") {
  const auto waits = waits_without(1, {operation::all_gather, algorithm::hierarchical, algorithm::direct, 0}, 2, 2);
  CHECK(waits[0] == "node stage, chunk 0: waiting for the data of rank 1");
  CHECK(waits[3] == "rail stage, chunk 0: waiting for the data of rank 1");
}

TEST_CASE("a ring names the left neighbour, and a rank that only gave waits to be read") {
  const auto ring = waits_without(2, {operation::all_gather, algorithm::ring, algorithm::direct, 0}, 1, 4);
  CHECK(ring[3] == "rail stage, chunk 0: waiting for the data of rank 2");
  const auto tree = waits_without(1, {operation::broadcast, algorithm::tree, algorithm::direct, 0}, 1, 2);
  CHECK(tree[0] == "waiting for peers to read what was sent");
}
