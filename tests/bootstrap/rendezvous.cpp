#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "ranks.hpp"

using namespace mics;
using namespace std::chrono_literals;
using mics::test::check_all_ended_well;
using mics::test::expect;
using mics::test::job;
using list = std::vector<int>;

namespace {

std::vector<std::byte> some_bytes(int rank) {
  return std::vector<std::byte>(static_cast<std::size_t>(rank) * 1000, static_cast<std::byte>(rank));
}

/// Every operation, as all ranks see it.
void exercise(bootstrap::session& world, int size) {
  expect(world.size() == size, "the size is the world's");
  expect(static_cast<int>(world.node_of().size()) == size, "every rank has a node");

  const auto squares = world.all_gather(std::int64_t{world.rank()} * world.rank());
  for (int rank = 0; rank < size; ++rank) {
    expect(squares[static_cast<std::size_t>(rank)] == std::int64_t{rank} * rank, "values come in the order of ranks");
  }
  const auto texts = world.all_gather(some_bytes(world.rank()));
  for (int rank = 0; rank < size; ++rank) {
    expect(texts[static_cast<std::size_t>(rank)] == some_bytes(rank), "bytes of any length come as they were");
  }
  for (int root = 0; root < size; ++root) {
    expect(world.broadcast(world.rank() + 100, root) == root + 100, "the root's value comes");
    expect(world.broadcast(some_bytes(world.rank()), root) == some_bytes(root), "the root's bytes come");
  }
  for (int turn = 0; turn < 20; ++turn) world.barrier();
  expect(!world.failure(), "nobody has failed");
}

}  // namespace

TEST_CASE("1, 2, 5 and 16 ranks as threads meet and exchange values") {
  for (const int size : {1, 2, 5, 16}) {
    CAPTURE(size);
    job work(size);
    check_all_ended_well(test::outcomes(size, [&](int rank) {
      bootstrap::session world = work.join(rank);
      expect(world.rank() == rank, "the rank is the environment's");
      exercise(world, size);
      expect(world.ranks_per_node() == list{size}, "ranks of one host share a node");
      expect(world.local_rank() == rank, "the local rank counts the node's ranks");
    }));
  }
}

TEST_CASE("no value and the largest one can be gathered, more is refused before it is sent") {
  constexpr std::size_t most = 1024 * 1024;
  job work(3);
  check_all_ended_well(test::outcomes(3, [&](int rank) {
    bootstrap::session world = work.join(rank);
    const std::size_t size = rank == 1 ? 0 : most;
    const auto all = world.all_gather(std::vector<std::byte>(size, static_cast<std::byte>(rank)));
    expect(all[0].size() == most && all[1].empty() && all[2] == std::vector<std::byte>(most, std::byte{2}), "sizes");
    bool refused = false;
    try {
      (void)world.all_gather(std::vector<std::byte>(most + 1));
    } catch (const usage_error& error) {
      refused = test::contains(error.what(), "1048577 bytes; allowed: up to 1048576");
    }
    expect(refused, "a value that is too large is refused in words");
    world.barrier();
  }));
}

TEST_CASE("one machine plays several nodes: by the environment, or by options before it") {
  job work(5);
  check_all_ended_well(test::outcomes(5, [&](int rank) {
    bootstrap::environment self = work.environment_of(rank);
    self.node_id = "all the same";
    const bootstrap::session_options options{.node_id = rank < 2 ? "first" : rank < 4 ? "second" : ""};
    bootstrap::session world =
        rank == 0 ? bootstrap::rendezvous(self, std::move(work.door), options) : bootstrap::rendezvous(self, options);
    expect(world.node_of() == list{0, 0, 1, 1, 2}, "nodes by name");
    expect(world.ranks_per_node() == list{2, 2, 1}, "ranks of each");
    expect(world.local_rank() == (rank == 4 ? 0 : rank % 2), "local rank in the played node");
  }));
}

TEST_CASE("a world of one rank needs no place to meet") {
  bootstrap::session world = bootstrap::rendezvous(bootstrap::environment{});
  exercise(world, 1);
  world.close();
}

TEST_CASE("rank 0 may start last") {
  int port = 0;
  {
    job unused(2);
    port = unused.port;
  }
  const auto environment_of = [port](int rank) {
    return bootstrap::environment{.rank = rank, .world_size = 3, .master_address = "localhost", .master_port = port};
  };
  check_all_ended_well(test::outcomes(3, [&](int rank) {
    if (rank == 0) std::this_thread::sleep_for(300ms);
    bootstrap::session world = bootstrap::rendezvous(environment_of(rank));
    exercise(world, 3);
  }));
}

TEST_CASE("rank 0 says which port it could not get") {
  job work(2);
  CHECK_THROWS_WITH_AS((void)bootstrap::rendezvous(work.environment_of(0)),
                       doctest::Contains(std::to_string(work.port).c_str()), transport_error);
}

TEST_CASE("sessions can be moved, and used in turn by several threads") {
  job work(2);
  check_all_ended_well(test::outcomes(2, [&](int rank) {
    bootstrap::session first = work.join(rank);
    bootstrap::session world = std::move(first);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
          for (int turn = 0; turn < 50; ++turn) world.barrier();
        });
      }
    }
    expect(world.all_gather(rank) == list{0, 1}, "it works on");
  }));
}
