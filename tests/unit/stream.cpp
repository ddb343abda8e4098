#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mics/transport/thread/stream.hpp>

using mics::thread::event;
using mics::thread::stream;

namespace {

[[noreturn]] void fail() { throw std::runtime_error("broken on purpose"); }

/// How a child process that runs `body` ends: the signal, or 0.
template <class Body> int signal_of(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    close(STDERR_FILENO);
    body();
    std::_Exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("work runs in order, asynchronously to the caller") {
  std::promise<void> gate;
  std::vector<int> order;
  stream s;
  s.enqueue([&] { gate.get_future().wait(); });
  for (int i = 0; i < 100; ++i) s.enqueue([&order, i] { order.push_back(i); });
  gate.set_value();  // were the stream synchronous, nobody would come here
  s.synchronize();
  REQUIRE(order.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("the destructor waits for the work") {
  bool done = false;
  {
    stream s;
    s.enqueue([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      done = true;
    });
  }
  CHECK(done);
}

TEST_CASE("a stream that is made and destroyed at once ends, however its thread starts") {
  for (int i = 0; i < 3000; ++i) stream();
}

TEST_CASE("after a failure the rest is skipped, and every wait throws that failure") {
  bool ran = false;
  stream s;
  s.enqueue(fail);
  s.enqueue([&] { ran = true; });
  const event after = s.record();
  CHECK_THROWS_WITH_AS(s.synchronize(), "broken on purpose", std::runtime_error);
  CHECK_THROWS_WITH_AS(s.synchronize(), "broken on purpose", std::runtime_error);
  CHECK_THROWS_WITH_AS(after.synchronize(), "broken on purpose", std::runtime_error);
  CHECK_THROWS_WITH_AS(s.record().synchronize(), "broken on purpose", std::runtime_error);
  CHECK_FALSE(ran);
}

TEST_CASE("an event knows only of the work before it") {
  std::promise<void> gate;
  stream s;
  const event before = s.record();
  s.enqueue([&] { gate.get_future().wait(); });
  s.enqueue(fail);
  CHECK_NOTHROW(before.synchronize());
  gate.set_value();
  CHECK_THROWS(s.synchronize());
  CHECK_NOTHROW(before.synchronize());
  CHECK_NOTHROW(event().synchronize());
}

TEST_CASE("a stream waits for another one's event, not for what comes after it") {
  std::promise<void> gate;
  std::atomic<int> value{0};
  stream first, second;
  first.enqueue([&] { value = 1; });
  const event one = first.record();
  first.enqueue([&] { gate.get_future().wait(); });
  second.wait(one);
  int seen = 0;
  second.enqueue([&] { seen = value; });
  second.synchronize();
  CHECK(seen == 1);
  gate.set_value();
}

TEST_CASE("a failure spreads to the streams that wait for it") {
  bool ran = false;
  stream first, second;
  first.enqueue(fail);
  second.wait(first.record());
  second.enqueue([&] { ran = true; });
  CHECK_THROWS_WITH_AS(second.synchronize(), "broken on purpose", std::runtime_error);
  CHECK_FALSE(ran);
  CHECK_THROWS_WITH_AS(first.synchronize(), "broken on purpose", std::runtime_error);
}

TEST_CASE("an event outlives its stream") {
  event last;
  std::optional<stream> s(std::in_place);
  s->enqueue([] {});
  last = s->record();
  s.reset();
  CHECK_NOTHROW(last.synchronize());
}

TEST_CASE("a stream's failure does not replace an exception on its way") {
  CHECK_THROWS_WITH_AS(
      [] {
        stream s;
        s.enqueue(fail);
        throw std::logic_error("something else");
      }(),
      "something else", std::logic_error);
}

#if !defined(__SANITIZE_THREAD__)  // which does not follow a process that forks
TEST_CASE("a failure that nobody has waited for ends the program") {
  CHECK(signal_of([] { stream().enqueue(fail); }) == SIGABRT);
  CHECK(signal_of([] {
          stream s;
          s.enqueue(fail);
          static_cast<void>(s.record());  // an event that nobody waits for tells nobody
        }) == SIGABRT);
  CHECK(signal_of([] {
          stream s;
          s.enqueue(fail);
          try {
            s.record().synchronize();
          } catch (const std::runtime_error&) {
          }
        }) == 0);
  CHECK(signal_of([] { stream().enqueue([] {}); }) == 0);
}
#endif
