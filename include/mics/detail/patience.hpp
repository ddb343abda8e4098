#pragma once

#include <chrono>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mics::detail {

/// How a rank waits: it spins while those it waits for have cores of their own, else gives way at once, and sleeps in
/// short naps when nothing has come for long, so that ranks that compute are not slowed by those that wait.
class patience {
 public:
  patience(bool gives_way, std::chrono::milliseconds timeout) : spins_(gives_way ? 0 : most_spins), timeout_(timeout) {}

  /// Something has moved: the deadline starts anew with the next pause.
  void progress() noexcept {
    idle_ = 0;
    deadline_ = {};
  }

  /// Waits a little; false once nothing has moved for the whole timeout.
  [[nodiscard]] bool pause() {
    return pause(most_yields, [] { std::this_thread::sleep_for(nap); });
  }

  /// The same where there is something better than naps, which therefore comes soon: `sleep` returns when there may be
  /// news, or after a millisecond.
  template <class Sleep> [[nodiscard]] bool pause(Sleep sleep) { return pause(few_yields, sleep); }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr unsigned most_spins = 200;
  static constexpr unsigned most_yields = 4000;
  static constexpr unsigned few_yields = 5;
  static constexpr unsigned yields_a_look = 16;
  static constexpr std::chrono::microseconds nap{50};

  static void relax() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#endif
  }

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
    if (deadline_ == clock::time_point{}) deadline_ = now + timeout_;
    return now < deadline_;
  }

  unsigned idle_ = 0;
  unsigned spins_;
  std::chrono::milliseconds timeout_;
  clock::time_point deadline_{};  ///< set when a wait turns long
};

}  // namespace mics::detail
