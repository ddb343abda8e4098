// What the builder finds out by itself: who waits for whom, what is sent on, how much temporary memory there is.

#include <array>
#include <utility>

#include <doctest/doctest.h>

#include <mics/schedule/builder.hpp>

using namespace mics::schedule;

namespace {

constexpr std::size_t rail = index_of(lane::rail), node = index_of(lane::node);

const step& send_of(const program& p, std::size_t l, std::size_t i) { return p.sends[l].steps.at(i); }
const step& fold_of(const program& p, std::size_t l, std::size_t i) { return p.folds[l].steps.at(i); }

}  // namespace

TEST_CASE("a send waits for the fold that wrote its block, in whichever lane") {
  builder b(0);
  b.receive(output(3), 1, lane::rail, 0);
  b.receive(output(4), 2, lane::rail, 0);
  b.send(output(3), 5, lane::node, 1);
  b.send(output(9), 5, lane::node, 1);
  const program p = std::move(b).take();
  CHECK(send_of(p, node, 0).after[rail] == 1);
  CHECK(send_of(p, node, 0).after[node] == 0);
  CHECK(send_of(p, node, 1).after[rail] == 0);
}

TEST_CASE("what is sent on is marked, so that it stays in the cache") {
  builder b(0);
  b.receive(output(3), 1, lane::rail, 0);
  b.receive(output(4), 2, lane::rail, 0);
  b.send(output(3), 5, lane::node, 1);
  const program p = std::move(b).take();
  CHECK(fold_of(p, rail, 0).forwarded);
  CHECK_FALSE(fold_of(p, rail, 1).forwarded);
}

TEST_CASE("a run of blocks waits for the last of its writers") {
  builder b(0);
  b.receive(output(0), 1, lane::rail, 0);
  b.receive(output(1), 2, lane::rail, 0);
  b.receive(output(2), 3, lane::rail, 1);
  b.send(output(0, 2), 4, lane::rail, 2);
  const program p = std::move(b).take();
  CHECK(send_of(p, rail, 0).after[rail] == 2);
  CHECK(p.block_ranges);
}

TEST_CASE("a fold waits for its own contribution, and that lies at the rank's place among its peers") {
  builder b(2);
  const place sum = scratch(b.reserve(1), 7);
  b.fold(sum, input(7), std::array{0, 1, 3}, lane::node, 0);
  b.fold(output(7), sum, std::array{1, 5}, lane::rail, 1, true);
  const program p = std::move(b).take();
  CHECK(fold_of(p, node, 0).own_position == 2);
  CHECK(fold_of(p, node, 0).after[node] == 0);
  CHECK(fold_of(p, rail, 0).own_position == 1);
  CHECK(fold_of(p, rail, 0).after[node] == 1);
  CHECK(fold_of(p, rail, 0).last);
  CHECK(p.scratch_slots == 1);
  CHECK_FALSE(p.block_ranges);
}

TEST_CASE("scratch slots are kept apart though they hold the same block") {
  builder b(0);
  const place first = scratch(b.reserve(1), 4), second = scratch(b.reserve(1), 4);
  b.receive(first, 1, lane::rail, 0);
  b.receive(second, 2, lane::rail, 0);
  b.send(first, 3, lane::rail, 1);
  const program p = std::move(b).take();
  CHECK(send_of(p, rail, 0).after[rail] == 1);
  CHECK(p.scratch_slots == 2);
}

TEST_CASE("rounds are found by their number, empty ones too") {
  builder b(0);
  b.send(input(0), 1, lane::rail, 0);
  b.send(input(1), 1, lane::rail, 3);
  b.send(input(2), 1, lane::rail, 3);
  const program p = std::move(b).take();
  CHECK(p.sends[rail].round_begin == std::vector<std::uint32_t>{0, 1, 1, 1, 3});
  CHECK(p.sends[rail].rounds() == 4);
  CHECK(p.sends[node].steps.empty());
}

TEST_CASE("a send to nobody is no step") {
  builder b(0);
  b.send(input(0), std::span<const int>(), lane::rail, 0);
  CHECK(std::move(b).take().sends[rail].steps.empty());
}
