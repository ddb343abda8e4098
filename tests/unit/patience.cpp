#include <chrono>
#include <thread>

#include <doctest/doctest.h>

#include <mics/detail/patience.hpp>

namespace {

using namespace std::chrono_literals;

/// Pauses until the wait is given up.
int pauses_until_end(mics::detail::patience& wait) {
  int pauses = 1;
  while (wait.pause()) ++pauses;
  return pauses;
}

}  // namespace

TEST_CASE("a wait ends, whether ranks share cores or not") {
  for (const bool crowded : {false, true}) {
    mics::detail::patience wait(crowded, 1ms);
    CHECK(pauses_until_end(wait) > 1);
  }
}

TEST_CASE("so does one among processes") {
  for (const auto where : {mics::detail::cores::enough, mics::detail::cores::crowded, mics::detail::cores::elsewhere}) {
    mics::detail::patience wait(where, 1ms);
    int pauses = 1;
    while (wait.pause_among_processes()) ++pauses;
    CHECK(pauses > 1);
  }
}

TEST_CASE("progress starts the deadline anew") {
  mics::detail::patience wait(true, 20ms);
  pauses_until_end(wait);
  wait.progress();
  bool in_time = true;
  for (int i = 0; i < 16; ++i) in_time &= wait.pause();
  CHECK(in_time);
}

TEST_CASE("work before the first pause does not count as waiting") {
  mics::detail::patience wait(true, 20ms);
  std::this_thread::sleep_for(40ms);
  bool in_time = true;
  for (int i = 0; i < 16; ++i) in_time &= wait.pause();
  CHECK(in_time);
}
