#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <mics/schedule/compile.hpp>
#include <mics/transport/host/meeting.hpp>

namespace {

using mics::detail::cores;
using mics::host::board;
using mics::host::meeting;

void never(int, std::size_t, std::size_t) { FAIL("another size"); }

/// Both ranks of a meeting in this thread; what they show is empty.
struct two_ranks {
  std::vector<board> boards = std::vector<board>(2);
  meeting first = meeting({&boards[0], &boards[1]}, 0), second = meeting({&boards[0], &boards[1]}, 1);
  std::span<const mics::schedule::part> nothing{};
};

}  // namespace

TEST_CASE("nobody is past a meeting before all have shown their sheets") {
  two_ranks ranks;
  for (int time = 1; time <= 5; ++time) {
    ranks.first.show(ranks.nothing, 0);
    CHECK_FALSE(ranks.first.complete(ranks.nothing, never));
    CHECK(ranks.first.seen() == 1);
    ranks.second.show(ranks.nothing, 0);
    CHECK(ranks.second.complete(ranks.nothing, never));
    CHECK(ranks.first.complete(ranks.nothing, never));
  }
}

TEST_CASE("the root of a broadcast waits for nobody, and shows the next thing when all have seen what came before") {
  for (const int root : {0, 1}) {
    const auto broadcast =
        mics::schedule::compile({mics::operation::broadcast, mics::algorithm::tree, {}, root}, {root, 2, 1, 2, {}});
    std::uint64_t sent = 0, got = 0;
    const auto part_with = [&](std::uint64_t& data) {
      mics::schedule::part p;
      p.steps = &broadcast;
      p.layout = mics::schedule::block_layout::uniform(1, sizeof data);
      p.output = reinterpret_cast<std::byte*>(&data);
      p.input = p.output;
      return std::vector{p};
    };
    const auto out = part_with(sent), in = part_with(got);
    two_ranks ranks;
    meeting &sender = root == 0 ? ranks.first : ranks.second, &receiver = root == 0 ? ranks.second : ranks.first;
    for (std::uint64_t time = 1; time <= 5; ++time) {
      sent = 10 * time;
      REQUIRE(sender.ready());
      sender.show(out, 0);
      sent = 0;
      CHECK(sender.complete(out, never));
      sender.take(out);
      CHECK_FALSE(sender.ready());
      CHECK(sender.seen() == 1 - root);
      REQUIRE(receiver.ready());
      receiver.show(in, 0);
      CHECK(sender.ready());
      CHECK(receiver.complete(in, never));
      receiver.take(in);
      CHECK(got == 10 * time);
    }
  }
}

TEST_CASE("who waits gives way where one of those it waits for was last seen on its core") {
  constexpr std::size_t elsewhere = 1'000'000;
  two_ranks ranks;
  ranks.first.show(ranks.nothing, 0);
  ranks.second.show(ranks.nothing, 0);
  CHECK(ranks.first.complete(ranks.nothing, never));
  CHECK(ranks.first.where() == cores::elsewhere);  // it waits for none

  ranks.first.show(ranks.nothing, 0);
  bool gives_way = false;
  for (std::size_t i = 0; i < elsewhere && !gives_way; ++i) {  // whichever core this thread is on
    ranks.boards[1].blank(1).core = i % 1000;
    gives_way = ranks.first.where() == cores::crowded;
  }
  CHECK(gives_way);
  ranks.boards[1].blank(1).core = elsewhere;
  CHECK(ranks.first.where() == cores::elsewhere);
}
