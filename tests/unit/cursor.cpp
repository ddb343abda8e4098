#include <cstdint>
#include <initializer_list>
#include <vector>

#include <doctest/doctest.h>

#include <mics/schedule/cursor.hpp>

namespace {

using namespace mics::schedule;

/// A sequence with so many steps in each round; a step is known by its first_peer, its index.
sequence rounds_of(const std::vector<int>& steps_in_round) {
  sequence s;
  s.round_begin.clear();
  for (std::uint32_t round = 0; round < steps_in_round.size(); ++round) {
    s.round_begin.push_back(static_cast<std::uint32_t>(s.steps.size()));
    for (int i = 0; i < steps_in_round[round]; ++i) {
      step next;
      next.round = round;
      next.first_peer = static_cast<std::uint32_t>(s.steps.size());
      s.steps.push_back(next);
    }
  }
  s.round_begin.push_back(static_cast<std::uint32_t>(s.steps.size()));
  return s;
}

struct visit {
  std::uint32_t index;
  int chunk;
  bool operator==(const visit&) const = default;
};

/// The wavefront by its definition: at time t, round s works on chunk t - s.
std::vector<visit> wavefront(const sequence& steps, int chunks) {
  std::vector<visit> order;
  const int rounds = static_cast<int>(steps.rounds());
  for (int time = 0; time < rounds + chunks; ++time) {
    for (const step& s : steps.steps) {
      const int chunk = time - static_cast<int>(s.round);
      if (chunk >= 0 && chunk < chunks) order.push_back({s.first_peer, chunk});
    }
  }
  return order;
}

const std::vector<std::vector<int>> some_rounds{{},     {0},          {1},       {3},          {1, 1},
                                                {2, 3}, {0, 0, 2, 0}, {1, 0, 1}, {2, 0, 0, 5}, {1, 1, 1, 1, 1, 1, 1}};

}  // namespace

TEST_CASE("a cursor walks the wavefront") {
  for (const auto& rounds : some_rounds) {
    const sequence steps = rounds_of(rounds);
    for (const int chunks : {1, 2, 3, 7, 20}) {
      CAPTURE(rounds.size());
      CAPTURE(chunks);
      std::vector<visit> order;
      for (cursor at(steps, chunks); !at.done(); at.next()) order.push_back({at.current().first_peer, at.chunk()});
      CHECK((order == wavefront(steps, chunks)));
    }
  }
}

TEST_CASE("a cursor knows what it has passed") {
  for (const auto& rounds : some_rounds) {
    const sequence steps = rounds_of(rounds);
    for (const int chunks : {1, 2, 5}) {
      const auto order = wavefront(steps, chunks);
      cursor at(steps, chunks);
      for (std::size_t now = 0; now <= order.size(); ++now) {
        bool right = true;
        for (std::size_t i = 0; i < order.size(); ++i) right &= at.passed(order[i].index, order[i].chunk) == (i < now);
        CAPTURE(now);
        CHECK(right);
        CHECK(at.done() == (now == order.size()));
        if (!at.done()) at.next();
      }
    }
  }
}

TEST_CASE("a default cursor has nothing to do") { CHECK(cursor().done()); }
