#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ranks.hpp"

using namespace mics;
using namespace std::chrono_literals;
using mics::test::contains;
using mics::test::expect;
using mics::test::job;
namespace wire = mics::bootstrap::detail;

namespace {

/// A connection of somebody who does not follow the protocol.
class stranger {
 public:
  explicit stranger(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    expect(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0, "the door is open");
  }

  void say(wire::byte_view text) const { (void)!::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL); }
  void say(const std::string& text) const { say(std::as_bytes(std::span(text.data(), text.size()))); }

  /// Whether the other side ends the connection within ten seconds.
  [[nodiscard]] bool is_turned_away() const {
    timeval limit{10, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char any[256];
    ssize_t got = 0;
    while ((got = ::recv(socket_.get(), any, sizeof any, 0)) > 0) {
    }
    return got == 0 || errno == ECONNRESET;
  }

  /// For those who follow it for a while.
  [[nodiscard]] wire::descriptor take() {
    wire::set_flags(socket_);
    return std::move(socket_);
  }

 private:
  wire::descriptor socket_;
};

/// The next message on a connection, after all that was posted has left.
wire::frame await(wire::link& from) {
  while (true) {
    from.write();
    from.read();
    if (auto said = from.next()) return *said;
    expect(!from.ended(), "the connection holds");
    std::this_thread::sleep_for(1ms);
  }
}

wire::bytes announced(std::size_t length, std::size_t sent) {
  wire::writer out;
  out.number(wire::frame_mark).number(static_cast<std::uint32_t>(wire::message::hello));
  out.number(static_cast<std::uint32_t>(length)).raw(wire::bytes(sent));
  return out.take();
}

}  // namespace

TEST_CASE("strangers, garbage, half and oversized messages hold nobody up") {
  job work(3);
  std::vector<stranger> silent;  // they stay until the end
  for (int i = 0; i < 20; ++i) silent.emplace_back(work.port);
  silent[0].say("GE");
  silent[1].say(announced(100, 50));
  const auto ended = test::outcomes(3, [&](int rank) {
    if (rank == 2) {
      for (const auto& [name, text] :
           {std::pair("web", wire::bytes(500, std::byte{'G'})), std::pair("oversized", announced(1 << 30, 64)),
            std::pair("empty hello", announced(0, 0)), std::pair("hello of zeros", announced(100, 100))}) {
        const stranger rude(work.port);
        rude.say(text);
        expect(rude.is_turned_away(), name);
      }
      { const stranger brief(work.port); }
    }
    bootstrap::session world = work.join(rank, {.join_timeout = 60s});
    world.barrier();
  });
  for (const std::string& said : ended) CHECK(said == "");
}

TEST_CASE("a flood of silent connections does not keep the ranks out") {
  job work(2);
  const auto ended = test::outcomes(2, [&](int rank) {
    std::vector<stranger> silent;
    if (rank == 1) {
      for (int i = 0; i < 400; ++i) silent.emplace_back(work.port);
    }
    bootstrap::session world = work.join(rank, {.join_timeout = 60s});
    world.barrier();
  });
  for (const std::string& said : ended) CHECK(said == "");
}

TEST_CASE("another secret, number or world size is refused with words, and the right ranks still meet") {
  job work(3);
  std::vector<std::string> said(4);
  const auto ended = test::outcomes(2, [&](int rank) {
    if (rank == 0) {
      bootstrap::session world = work.join(0, {.join_timeout = 60s});
      world.barrier();
      return;
    }
    const auto refusal_of = [&](auto change) {
      bootstrap::environment wrong = work.environment_of(2);
      change(wrong);
      return test::outcomes(1, [&](int) { (void)bootstrap::rendezvous(wrong); })[0];
    };
    said[0] = refusal_of([](auto& wrong) { wrong.job_secret = "another"; });
    said[1] = refusal_of([](auto& wrong) { wrong.world_size = 4; });
    said[2] = refusal_of([](auto& wrong) { wrong.rank = 3, wrong.world_size = 4; });

    std::atomic<bool> one_refused = false;
    std::vector<std::jthread> twins;
    for (int i = 0; i < 2; ++i) {
      twins.emplace_back([&] {
        const std::string end = test::outcomes(1, [&](int) {
          bootstrap::session world = work.join(1, {.join_timeout = 60s});
          world.barrier();
        })[0];
        if (end.empty()) return;
        said[3] = end;
        one_refused = true;
        one_refused.notify_one();
      });
    }
    one_refused.wait(false);
    bootstrap::session world = work.join(2, {.join_timeout = 60s});
    world.barrier();
  });
  CHECK(ended[0] == "");
  CHECK(ended[1] == "");
  CHECK(contains(said[0], "usage_error: rank 0 at 127.0.0.1:"));
  CHECK(contains(said[0], "does not know the secret of this job"));
  CHECK(contains(said[1], "rank 2 says that the world has 4 ranks, rank 0 says 3"));
  CHECK(contains(said[2], "rank 3 says that the world has 4 ranks"));
  CHECK(contains(said[3], "a second process says it is rank 1"));
}

TEST_CASE("missing ranks are named at the deadline, on every rank that came") {
  job work(6);
  const auto ended = test::outcomes(6, [&](int rank) {
    if (rank == 0 || rank == 2) (void)work.join(rank, {.join_timeout = rank == 0 ? 30'000ms : 3'000ms});
  });
  for (const int rank : {0, 2}) {
    CAPTURE(rank);
    CHECK(contains(ended[static_cast<std::size_t>(rank)], "timeout_error: ranks 1 and 3 to 5 have not come"));
    CHECK(contains(ended[static_cast<std::size_t>(rank)], "[rank " + std::to_string(rank) + ", rendezvous]"));
  }
}

TEST_CASE("who was refused is told where somebody is missing") {
  job work(2);
  const auto ended = test::outcomes(2, [&](int rank) {
    bootstrap::environment self = work.environment_of(rank);
    if (rank == 0) {
      (void)bootstrap::rendezvous(self, std::move(work.door), {.join_timeout = 3s});
    } else {
      self.job_secret = "wrong";
      (void)bootstrap::rendezvous(self);
    }
  });
  CHECK(contains(ended[0], "timeout_error: rank 1 has not come"));
  CHECK(contains(ended[0], "does not know the secret"));
  CHECK(contains(ended[1], "usage_error"));
}

TEST_CASE("a rank waits for rank 0 until its deadline, whatever else answers there") {
  const auto door = bootstrap::listener::on("127.0.0.1", 0);  // takes connections, never speaks
  const bootstrap::environment self{
      .rank = 1, .world_size = 2, .master_address = "127.0.0.1", .master_port = door.port()};
  CHECK_THROWS_WITH_AS((void)bootstrap::rendezvous(self, bootstrap::session_options{.join_timeout = 300ms}),
                       doctest::Contains("could not be reached at 127.0.0.1"), timeout_error);

  std::jthread web_server([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (const auto guest = door.accept()) (void)!::send(guest.get(), "HTTP/1.1 400\r\n\r\n", 16, MSG_NOSIGNAL);
      std::this_thread::sleep_for(1ms);
    }
  });
  CHECK_THROWS_WITH_AS((void)bootstrap::rendezvous(self, bootstrap::session_options{.join_timeout = 500ms}),
                       doctest::Contains("another protocol"), timeout_error);
}

TEST_CASE("a rank that was lost during the rendezvous may come again") {
  job work(3);
  const auto ended = test::outcomes(2, [&](int rank) {
    if (rank == 1) {
      const wire::siphash_key key = wire::key_of("the secret of a test");
      wire::introduction self{1, 3, 60'000, "early"};
      stranger early(work.port);
      wire::link to_rank_0(early.take(), wire::largest_greeting);
      const wire::frame challenge = await(to_rank_0);
      wire::reader in(challenge.body);
      to_rank_0.post(wire::message::hello, wire::write_hello(key, self, wire::read_nonce(in)));
      expect(await(to_rank_0).kind == wire::message::accepted, "it is in");
      to_rank_0.end("lost");

      std::jthread again([&] {
        bootstrap::session world = work.join(1, {.join_timeout = 60s});
        world.barrier();
      });
      bootstrap::session world = work.join(2, {.join_timeout = 60s});
      world.barrier();
    } else {
      bootstrap::session world = work.join(0, {.join_timeout = 60s});
      world.barrier();
    }
  });
  CHECK(ended[0] == "");
  CHECK(ended[1] == "");
}
