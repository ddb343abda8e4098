// Both ends of every message agree, in every program: who, which lane, which blocks, which chunk, in which order.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include <mics/schedule/cursor.hpp>

#include "../support/recipes.hpp"

namespace {

using namespace mics::schedule;
using mics::test::rehearsed;

struct message {
  int first = 0, count = 0, chunk = 0;
  std::uint32_t round = 0;
  auto operator<=>(const message&) const = default;
};
using queue = std::tuple<int, int, lane>;  // from, to
using traffic = std::map<queue, std::vector<message>>;

/// Every message that the sends (or the folds) of one rank name, in the order in which they run.
void walk(traffic& all, const program& steps, std::array<sequence, lanes> program::*kind, int rank, int chunks) {
  for (const lane l : {lane::rail, lane::node}) {
    for (cursor at((steps.*kind)[index_of(l)], chunks); !at.done(); at.next()) {
      const step& s = at.current();
      for (const int peer : steps.peers_of(s)) {
        const bool sends = kind == &program::sends;
        all[{sends ? rank : peer, sends ? peer : rank, l}].push_back({s.at.first, s.at.count, at.chunk(), s.round});
      }
    }
  }
}

void for_each_rehearsed(int most, const std::function<void(const rehearsed&)>& f) {
  mics::test::for_each_shape(most, [&](int nodes, int node_size) {
    for (const mics::recipe& r : mics::test::recipes_for(nodes, node_size)) f(rehearsed(r, nodes, node_size));
  });
}

}  // namespace

TEST_CASE("what is sent is what is received, in the same order") {
  for_each_rehearsed(16, [](const rehearsed& what) {
    for (const int chunks : {1, 3}) {
      traffic sent, received;
      for (int rank = 0; rank < what.size(); ++rank) {
        const program& steps = what.programs[static_cast<std::size_t>(rank)];
        walk(sent, steps, &program::sends, rank, chunks);
        walk(received, steps, &program::folds, rank, chunks);
      }
      INFO(what.describe() << ", " << chunks << " chunks");
      CHECK(sent == received);
      if (what.size() > 1) CHECK(!sent.empty());
    }
  });
}

TEST_CASE("nobody sends to itself, and peers are ranks of the group") {
  for_each_rehearsed(16, [](const rehearsed& what) {
    INFO(what.describe());
    for (int rank = 0; rank < what.size(); ++rank) {
      for (const int peer : what.programs[static_cast<std::size_t>(rank)].peers) {
        CHECK(peer != rank);
        CHECK(peer >= 0);
        CHECK(peer < what.size());
      }
    }
  });
}

TEST_CASE("rounds do not fall, and no step waits for a fold of a later round") {
  for_each_rehearsed(16, [](const rehearsed& what) {
    INFO(what.describe());
    for (const program& steps : what.programs) {
      for (const auto kind : {&program::sends, &program::folds}) {
        for (const sequence& in_lane : steps.*kind) {
          for (std::uint32_t round = 0; round < in_lane.rounds(); ++round) {
            for (auto i = in_lane.round_begin[round]; i < in_lane.round_begin[round + 1]; ++i) {
              CHECK(in_lane.steps[i].round == round);
            }
          }
          CHECK(in_lane.round_begin.back() == in_lane.steps.size());
          for (const step& s : in_lane.steps) {
            for (std::size_t l = 0; l < lanes; ++l) {
              if (s.after[l] == 0) continue;
              REQUIRE(s.after[l] <= steps.folds[l].steps.size());
              CHECK(steps.folds[l].steps[s.after[l] - 1].round <= s.round);
            }
          }
        }
      }
    }
  });
}
