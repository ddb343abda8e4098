#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <mics/plan/compile.hpp>
#include <mics/transport/host/meeting.hpp>

namespace {

using mics::detail::cores;
using mics::host::board;
using mics::host::meeting;

void never(int, const board::sheet&, std::size_t) { FAIL("another size"); }

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
        mics::compile({mics::operation::broadcast, mics::algorithm::tree, {}, root}, {root, 2, 1, 2, {}});
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

TEST_CASE("roots that change, and a rank that lags: nobody shows what would overwrite what is still to be read") {
  constexpr int size = 3;
  std::vector<board> boards(size);
  const std::vector<board*> all{&boards[0], &boards[1], &boards[2]};
  std::vector<meeting> ranks;
  for (int r = 0; r < size; ++r) ranks.emplace_back(all, r);
  // -1: an all-gather. Else a broadcast, or a batch of two from both roots.
  struct launch {
    int root, other;
  };
  const std::vector<launch> launches{{0, 0}, {0, 0}, {2, 2}, {-1, -1}, {1, 1}, {0, 1}, {2, 2}, {0, 0}};
  for (int late = 0; late < size; ++late) {
    struct state {
      std::size_t next = 0;
      bool shown = false;
      std::array<std::uint64_t, size> got{};
    };
    std::array<state, size> of{};
    std::array<std::uint64_t, size> own{};
    const auto value = [](std::size_t time, int root) { return 100 * (time + 1) + static_cast<std::uint64_t>(root); };
    std::deque<mics::schedule::program> programs;
    const auto parts_of = [&](int rank, std::size_t time) {
      std::vector<mics::schedule::part> parts;
      const launch what = launches[time];
      auto& mine = own[static_cast<std::size_t>(rank)] = value(time, rank);
      auto& got = of[static_cast<std::size_t>(rank)].got;
      const auto add = [&](mics::recipe recipe, int blocks, void* output) {
        auto& p = parts.emplace_back();
        p.steps = &programs.emplace_back(mics::compile(recipe, {rank, size, 1, size, {}}));
        p.layout = mics::schedule::block_layout::uniform(blocks, sizeof mine);
        p.input = reinterpret_cast<const std::byte*>(&mine);
        p.output = static_cast<std::byte*>(output);
      };
      using mics::algorithm;
      if (what.root < 0) {
        add({mics::operation::all_gather, algorithm::direct, algorithm::direct, 0}, size, got.data());
      } else {
        for (const int root : {what.root, what.other}) {
          add({mics::operation::broadcast, algorithm::tree, algorithm::direct, root}, 1,
              &got[static_cast<std::size_t>(root)]);
          if (what.root == what.other) break;
        }
      }
      return parts;
    };
    // One step of a rank, if it can make one.
    const auto step = [&](int rank) {
      state& s = of[static_cast<std::size_t>(rank)];
      meeting& m = ranks[static_cast<std::size_t>(rank)];
      if (s.next == launches.size()) return false;
      const auto parts = parts_of(rank, s.next);
      if (!s.shown) {
        if (!m.ready()) return false;
        s.got = {};
        m.show(parts, s.next + 1);
        s.shown = true;
        return true;
      }
      if (!m.complete(parts, [](int, const board::sheet&, std::size_t) { FAIL("unlike"); })) return false;
      m.take(parts);
      const launch what = launches[s.next];
      for (int root = 0; root < size; ++root) {
        const bool sent = what.root < 0 || root == what.root || root == what.other;
        if (sent && (rank != root || what.root < 0))
          CHECK(s.got[static_cast<std::size_t>(root)] == value(s.next, root));
      }
      ++s.next;
      s.shown = false;
      return true;
    };
    // The late one moves only when nobody else can.
    for (bool moved = true; moved;) {
      moved = false;
      for (int rank = 0; rank < size; ++rank) {
        while (rank != late && step(rank)) moved = true;
      }
      if (step(late)) moved = true;
    }
    for (const state& s : of) CHECK(s.next == launches.size());
  }
}

TEST_CASE("what is shown for another launch is refused, though it has the right size") {
  two_ranks ranks;
  ranks.first.show(ranks.nothing, 1);
  ranks.second.show(ranks.nothing, 2);
  int refused = 0;
  CHECK(ranks.first.complete(ranks.nothing, [&](int rank, const board::sheet& sheet, std::size_t) {
    refused += rank == 1 && sheet.launch == 2 ? 1 : 0;
  }));
  CHECK(refused == 1);
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
