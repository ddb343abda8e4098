#pragma once

#include <chrono>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mics::detail {

/// How a rank waits: it spins while every rank has a core of its own, yields when not, and sleeps in short naps when
/// nothing has come for long, so that ranks that compute are not slowed by those that wait.
class patience {
 public:
  patience(bool crowded, std::chrono::milliseconds timeout)
      : spins_(crowded ? 0 : most_spins), deadline_(clock::now() + timeout) {}

  void progress() noexcept { idle_ = 0; }

  /// Waits a little; false once the deadline has passed.
  [[nodiscard]] bool pause() {
    ++idle_;
    if (idle_ <= spins_) {
      relax();
      return true;
    }
    if (idle_ <= spins_ + most_yields) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(nap);
    }
    return idle_ % yields_a_look != 0 || clock::now() < deadline_;
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr unsigned most_spins = 2000;
  static constexpr unsigned most_yields = 4000;
  static constexpr unsigned yields_a_look = 16;
  static constexpr std::chrono::microseconds nap{50};

  static void relax() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#endif
  }

  unsigned idle_ = 0;
  unsigned spins_;
  clock::time_point deadline_;
};

}  // namespace mics::detail
