// Hangs on purpose: the watchdog must end it and say where the ranks stand.

#include <chrono>
#include <thread>

#include <doctest/doctest.h>

#include "notes.hpp"

TEST_CASE("two ranks wait for one that never comes") {
  using namespace std::chrono_literals;
  const auto wait = [](int rank) {
    mics::test::note(rank, "before the barrier");
    mics::test::note(rank, "in the barrier");
    for (;;) std::this_thread::sleep_for(1h);
  };
  std::thread one(wait, 1);
  std::thread([] { mics::test::note(2, "left"); }).join();
  wait(0);
}
