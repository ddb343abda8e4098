// Every program of the library on a network that is late, refuses and reorders: right results, and no deadlock.

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "../support/rehearsal.hpp"
#include "../support/simulation.hpp"

namespace {

using namespace mics::test;

/// How often each program runs; set MICS_TEST_ROUNDS to look longer.
int rounds() {
  const char* const given = std::getenv("MICS_TEST_ROUNDS");
  return given == nullptr ? 3 : std::atoi(given);
}

const char* name_of(handing how) {
  return how == handing::lent ? "lent" : how == handing::copied ? "copied" : "placed";
}

/// Runs one launch of `parts` and returns what went wrong, with all that is needed to repeat it.
std::string run(std::vector<rehearsal>& parts, const network_options& options) {
  std::vector<std::vector<mics::schedule::part>> launches(static_cast<std::size_t>(options.ranks));
  for (int rank = 0; rank < options.ranks; ++rank) {
    for (rehearsal& part : parts) launches[static_cast<std::size_t>(rank)].push_back(part.part_of(rank));
  }
  std::string wrong;
  try {
    simulate(options, launches);
    for (std::size_t i = 0; i < parts.size() && wrong.empty(); ++i) {
      if (wrong = parts[i].wrong(); !wrong.empty()) wrong = parts[i].describe() + ": " + wrong;
    }
  } catch (const std::exception& e) {
    wrong = parts.front().describe() + ": " + e.what();
  }
  if (wrong.empty()) return wrong;
  return wrong + "\n  messages " + name_of(options.how) + ", queues of " + std::to_string(options.depth) + ", seed " +
         std::to_string(options.seed);
}

handing any_handing(dice& random) {
  constexpr handing all[] = {handing::lent, handing::copied, handing::placed};
  return all[random.roll(3)];
}

network_options any_network(int ranks, dice& random, std::uint64_t seed) {
  return {.ranks = ranks, .depth = 1 + random.roll(8), .how = any_handing(random), .seed = seed};
}

}  // namespace

TEST_CASE("every program, chunk count, queue depth and hand-over gives the right bytes") {
  std::uint64_t seed = 0;
  for_each_shape(16, [&](int nodes, int node_size) {
    for (const auto& recipe : recipes_for(nodes, node_size)) {
      const rehearsed what(recipe, nodes, node_size);
      for (int round = 0; round < rounds(); ++round) {
        dice random(++seed);
        std::vector<rehearsal> one;
        one.emplace_back(what, rehearsal::choices{.chunks = random.one_in(3) ? 1 : random.between(2, 9),
                                                  .in_place = random.one_in(2),
                                                  .seed = seed});
        const std::string wrong = run(one, any_network(what.size(), random, seed));
        CHECK(wrong == "");
      }
    }
  });
}

TEST_CASE("groups of more than 16 ranks, of odd and even numbers") {
  struct shape {
    int nodes, node_size;
  };
  std::uint64_t seed = 4'000'000;
  for (const auto [nodes, node_size] : {shape{1, 17}, shape{1, 32}, shape{4, 8}, shape{8, 3}, shape{3, 11}}) {
    for (const auto& recipe : recipes_for(nodes, node_size)) {
      if (recipe.what == mics::operation::broadcast && recipe.root % 7 != 3) continue;
      const rehearsed what(recipe, nodes, node_size);
      dice random(++seed);
      std::vector<rehearsal> one;
      one.emplace_back(what, rehearsal::choices{.chunks = random.between(1, 3), .in_place = true, .seed = seed});
      const std::string wrong = run(one, any_network(what.size(), random, seed));
      CHECK(wrong == "");
    }
  }
}

TEST_CASE("many programs in one launch do not disturb each other") {
  std::uint64_t seed = 1'000'000;
  for_each_shape(16, [&](int nodes, int node_size) {
    std::vector<rehearsed> known;
    for (const auto& recipe : recipes_for(nodes, node_size)) known.emplace_back(recipe, nodes, node_size);
    for (const auto& recipe : recipes_for(1, nodes * node_size)) {
      if (nodes > 1) known.emplace_back(recipe, 1, nodes * node_size);
    }
    for (int round = 0; round < 2 * rounds(); ++round) {
      dice random(++seed);
      std::vector<rehearsal> many;
      const rehearsed& often = known[random.roll(known.size())];  // the same one many times fills its queues
      for (int i = random.between(2, 24); i > 0; --i) {
        const rehearsed& what = random.one_in(3) ? known[random.roll(known.size())] : often;
        many.emplace_back(
            what, rehearsal::choices{.chunks = random.between(1, 3), .in_place = random.one_in(2), .seed = ++seed});
      }
      const std::string wrong = run(many, any_network(nodes * node_size, random, seed));
      CHECK(wrong == "");
    }
  });
}

TEST_CASE("direct placement brings every byte of a gather or broadcast to its final address, once") {
  std::uint64_t seed = 2'000'000;
  for_each_shape(12, [&](int nodes, int node_size) {
    for (const auto& recipe : recipes_for(nodes, node_size)) {
      if (recipe.what != mics::operation::all_gather && recipe.what != mics::operation::broadcast) continue;
      const rehearsed what(recipe, nodes, node_size);
      dice random(++seed);
      rehearsal one(what, {.chunks = random.between(1, 5), .in_place = random.one_in(2), .seed = seed});
      std::vector<std::vector<mics::schedule::part>> launches;
      for (int rank = 0; rank < what.size(); ++rank) launches.push_back({one.part_of(rank)});
      fake_network network({.ranks = what.size(), .depth = 1 + random.roll(8), .how = handing::placed, .seed = seed});
      INFO(one.describe());
      REQUIRE_NOTHROW(simulate<fake_placing_port>(network, launches));
      CHECK(one.wrong() == "");
      for (int rank = 0; rank < what.size(); ++rank) {
        CAPTURE(rank);
        CHECK(one.covers(network.placements(rank), rank));
      }
    }
  });
}

TEST_CASE("sums of floats are the same to the bit on all ranks, whatever the order in which messages arrive") {
  std::uint64_t seed = 3'000'000;
  for_each_shape(16, [&](int nodes, int node_size) {
    for (const auto& recipe : recipes_for(nodes, node_size)) {
      if (recipe.what != mics::operation::all_reduce && recipe.what != mics::operation::reduce_scatter) continue;
      const rehearsed what(recipe, nodes, node_size);
      const rehearsal::choices choices{.type = mics::data_type::float32, .chunks = 3, .seed = ++seed};
      const auto results = [&](std::uint64_t network_seed) {
        dice random(network_seed);
        rehearsal one(what, choices);
        std::vector<std::vector<mics::schedule::part>> launches;
        for (int rank = 0; rank < what.size(); ++rank) launches.push_back({one.part_of(rank)});
        simulate(any_network(what.size(), random, network_seed), launches);
        std::vector<std::vector<std::byte>> all;
        for (int rank = 0; rank < what.size(); ++rank) {
          all.emplace_back(one.result(rank).begin(), one.result(rank).end());
        }
        return all;
      };
      INFO(what.describe());
      const auto once = results(seed);
      CHECK(once == results(seed + 500'000));
      if (recipe.what != mics::operation::all_reduce) continue;
      for (const auto& result : once) CHECK(result == once.front());
    }
  });
}
