#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mics::detail {

/// What a longer timeout is taken for: clocks end, too.
inline constexpr std::chrono::milliseconds longest_timeout = std::chrono::hours(24 * 365 * 100);

/// Who runs where while a rank waits.
enum class cores {
  enough,    ///< every rank has a core of its own
  crowded,   ///< somebody needs the core of this one, as far as is known
  elsewhere  ///< they are crowded too, but those that are waited for were last seen on other ones
};

/// How a rank waits: it spins while every rank has a core of its own, gives way when not (at once, or when it has spun
/// for about as long as it takes to leave a core and to come back), and sleeps in short naps when nothing has come for
/// long, so that ranks that compute are not slowed by those that wait.
class patience {
 public:
  patience(cores where, std::chrono::milliseconds timeout)
      : spins_(where == cores::enough      ? most_spins
               : where == cores::elsewhere ? few_spins
                                           : 0),
        timeout_(timeout) {}
  patience(bool crowded, std::chrono::milliseconds timeout)
      : patience(crowded ? cores::crowded : cores::enough, timeout) {}

  /// Something has moved: the deadline starts anew with the next pause.
  void progress() noexcept {
    idle_ = 0;
    deadline_ = {};
  }

  /// Waits a little; false once nothing has moved for the whole timeout.
  [[nodiscard]] bool pause() { return pause(most_yields, take_nap); }

  /// The same among processes. Those that share cores nap soon: where the scheduler groups sessions, and a launcher
  /// makes each rank one, a rank that gives way gives way to itself, and those that it waits for do not run.
  [[nodiscard]] bool pause_among_processes() {
    return pause(spins_ < most_spins ? some_yields : most_yields, take_nap);
  }

  /// The same where there is something better than naps, which therefore comes soon: `sleep` returns when there may be
  /// news, or after a millisecond.
  template <class Sleep> [[nodiscard]] bool pause(Sleep sleep) { return pause(few_yields, sleep); }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr unsigned most_spins = 200;
  static constexpr unsigned few_spins = 100;
  static constexpr unsigned most_yields = 4000;
  static constexpr unsigned some_yields = 256;
  static constexpr unsigned few_yields = 5;
  static constexpr unsigned yields_a_look = 16;
  static constexpr std::chrono::microseconds nap{50};

  static void relax() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#endif
  }

  static void take_nap() { std::this_thread::sleep_for(nap); }

  template <class Sleep> bool pause(unsigned yields, Sleep sleep) {
    ++idle_;
    if (idle_ <= spins_) {
      relax();
      return true;
    }
    if (idle_ <= spins_ + yields) {
      std::this_thread::yield();
    } else {
      sleep();
    }
    return idle_ % yields_a_look != 0 || in_time();
  }

  /// Most waits end before the clock need be asked.
  bool in_time() {
    const auto now = clock::now();
    if (deadline_ == clock::time_point{}) deadline_ = now + std::min(timeout_, longest_timeout);
    return now < deadline_;
  }

  unsigned idle_ = 0;
  unsigned spins_;
  std::chrono::milliseconds timeout_;
  clock::time_point deadline_{};  ///< set when a wait turns long
};

}  // namespace mics::detail
