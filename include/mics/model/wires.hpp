#pragma once

#include <algorithm>

namespace mics::model::detail {

/// The links of a node in issue order: a call starts once every link it holds is free, and holds them until its end.
/// Since the order never depends on times, no time here can shrink when another grows: faster links never cost time.
class wires {
 public:
  struct hold {
    bool slow = false;
    bool fast = false;
  };

  /// Runs a call that may start at `release`; returns its end.
  double run(double release, double duration, hold on) noexcept {
    const double start = std::max({release, on.slow ? slow_free_ : 0.0, on.fast ? fast_free_ : 0.0});
    const double end = start + duration;
    if (on.slow) {
      slow_free_ = end;
      slow_busy_ += duration;
    }
    if (on.fast) {
      fast_free_ = end;
      fast_busy_ += duration;
    }
    return end;
  }

  [[nodiscard]] double idle_from() const noexcept { return std::max(slow_free_, fast_free_); }
  [[nodiscard]] double slow_busy() const noexcept { return slow_busy_; }
  [[nodiscard]] double fast_busy() const noexcept { return fast_busy_; }

 private:
  double slow_free_ = 0, fast_free_ = 0;
  double slow_busy_ = 0, fast_busy_ = 0;
};

}  // namespace mics::model::detail
