// Jobs that cannot come together: every rank hears which mistake it is, within its deadline.

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "ranks.hpp"

using namespace mics;
using namespace std::chrono_literals;
using mics::test::contains;
using mics::test::expect;
using mics::test::job;
namespace wire = mics::bootstrap::detail;

namespace {

/// What a rank other than 0 is told that looks for rank 0 there, and that it hears it in time.
std::string refusal_at(const std::string& address, int port) {
  const bootstrap::environment self{.rank = 1, .world_size = 2, .master_address = address, .master_port = port};
  const auto start = wire::clock::now();
  const std::string said =
      test::outcomes(1, [&](int) { (void)bootstrap::rendezvous(self, {.join_timeout = 400ms}); })[0];
  CHECK(wire::clock::now() - start < 3s);
  return said;
}

int closed_port() { return bootstrap::listener::on("127.0.0.1", 0).port(); }

/// Joins as rank 1 of 2, with a version of its own.
void join_as(const job& work, const std::string& version) {
  wire::introduction self{1, 2, 0, "node"};
  self.version = version;
  (void)wire::client("127.0.0.1", work.port, wire::key_of("the secret of a test"), self, wire::clock::now() + 30s)
      .join();
}

}  // namespace

TEST_CASE("a master that cannot be reached: nobody listens, no way there, no such host") {
  const int port = closed_port();
  const std::string nobody = refusal_at("127.0.0.1", port);
  CHECK(contains(nobody, "timeout_error: rank 0 could not be reached at 127.0.0.1:" + std::to_string(port)));
  CHECK(contains(nobody, "Connection refused"));
  CHECK(
      contains(refusal_at("192.0.2.1", 29500), "rank 0 could not be reached at 192.0.2.1:29500 in time"));  // RFC 5737
  CHECK(contains(refusal_at("no..host", 29500), "rank 0 could not be reached at no..host:29500 in time"));
}

TEST_CASE("a rank with another version of the library is refused, and both sides hear of it") {
  job work(2);
  const auto ended = test::outcomes(2, [&](int rank) {
    if (rank == 0) {
      (void)work.join(0, {.join_timeout = 3s});
    } else {
      join_as(work, "9.8.7");
    }
  });
  const std::string words = "rank 1 runs mics 9.8.7, rank 0 runs " + wire::own_version();
  CHECK(contains(ended[0], "timeout_error: rank 1 has not come"));
  CHECK(contains(ended[0], words));
  CHECK(contains(ended[1], "usage_error: rank 0 at 127.0.0.1:"));
  CHECK(contains(ended[1], words + "; allowed: the same version on every rank"));
}

TEST_CASE("a rank 0 that speaks another version of the protocol is named as such") {
  const auto door = bootstrap::listener::on("127.0.0.1", 0);
  const std::jthread newer([&](const std::stop_token& stop) {
    wire::bytes challenge;
    wire::append_frame(challenge, wire::message::challenge, wire::fresh_nonce());
    challenge[3] = std::byte{'9'};
    while (!stop.stop_requested()) {
      if (const auto guest = door.accept())
        (void)!::send(guest.get(), challenge.data(), challenge.size(), MSG_NOSIGNAL);
      std::this_thread::sleep_for(1ms);
    }
  });
  CHECK(contains(refusal_at("127.0.0.1", door.port()), "a message of another version of mics"));
}

TEST_CASE("a port that another program holds: rank 0 says which, the others say what answers there") {
  job other_program(2);  // listens, and knows another secret
  const int port = other_program.port;
  const auto ended = test::outcomes(3, [&](int rank) {
    if (rank == 2) {  // the other program
      (void)bootstrap::rendezvous(other_program.environment_of(0), std::move(other_program.door), {.join_timeout = 6s});
      return;
    }
    const bootstrap::environment self{
        .rank = rank, .world_size = 2, .master_address = "127.0.0.1", .master_port = port, .job_secret = "ours"};
    (void)bootstrap::rendezvous(self, {.join_timeout = 3s});
  });
  CHECK(contains(ended[0], "rank 0 cannot listen on 127.0.0.1:" + std::to_string(port)));
  CHECK(contains(ended[0], "set MICS_MASTER_PORT to a free one"));
  CHECK(contains(ended[0], "Address already in use"));
  CHECK(contains(ended[1], "does not know the secret of this job"));
}

TEST_CASE("ranks with other ideas of the nodes all get the layout that rank 0 puts together") {
  job work(3);
  const auto ended = test::outcomes(3, [&](int rank) {
    bootstrap::environment self = work.environment_of(rank);
    self.node_id = rank == 1 ? "" : "zero";  // by its host
    self.local_size = rank + 1;              // what a confused launcher told
    bootstrap::session world =
        rank == 0 ? bootstrap::rendezvous(self, std::move(work.door)) : bootstrap::rendezvous(self);
    expect(world.node_of() == std::vector<int>{0, 1, 0}, "one layout for all");
    bool refused = false;
    try {
      (void)world.ranks_per_node();
    } catch (const topology_error& error) {
      refused = contains(error.what(), "rank 2 lies on node 0, but rank 1 on node 1; allowed: consecutive ranks");
    }
    expect(refused, "all ranks refuse nodes whose ranks are not consecutive");
    world.barrier();
  });
  for (const std::string& said : ended) CHECK(said == "");
}
