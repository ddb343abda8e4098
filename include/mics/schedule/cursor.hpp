#pragma once

#include <algorithm>
#include <cstdint>

#include <mics/schedule/program.hpp>

namespace mics::schedule {

/// Walks one sequence over all chunks as a wavefront: at time t, round s works on chunk t - s.
/// Every rank walks in this one total order, so messages meet in the order in which they were sent, and the
/// earliest unfinished step of the group can always run: bounded queues cannot deadlock.
class cursor {
 public:
  cursor() = default;
  cursor(const sequence& steps, int chunks)
      : steps_(steps.steps.empty() ? nullptr : &steps), chunks_(static_cast<std::uint32_t>(chunks)) {
    enter_time();
  }

  [[nodiscard]] bool done() const noexcept { return time_ >= end_time(); }
  [[nodiscard]] const step& current() const noexcept { return steps_->steps[index_]; }
  [[nodiscard]] int chunk() const noexcept { return static_cast<int>(time_ - current().round); }

  void next() {
    if (++index_ < end_) return;
    ++time_;
    enter_time();
  }

  /// Has step `index` been left behind for this chunk?
  [[nodiscard]] bool passed(std::uint32_t index, int chunk) const noexcept {
    const std::uint32_t when = static_cast<std::uint32_t>(chunk) + steps_->steps[index].round;
    return time_ > when || (time_ == when && index_ > index);
  }

 private:
  [[nodiscard]] std::uint32_t end_time() const noexcept { return steps_ ? steps_->rounds() + chunks_ - 1 : 0; }

  void enter_time() {
    for (; !done(); ++time_) {
      const std::uint32_t first_round = time_ < chunks_ ? 0 : time_ - chunks_ + 1;
      const std::uint32_t last_round = std::min(time_, steps_->rounds() - 1);
      index_ = steps_->round_begin[first_round];
      end_ = steps_->round_begin[last_round + 1];
      if (index_ < end_) return;
    }
  }

  const sequence* steps_ = nullptr;
  std::uint32_t chunks_ = 0;
  std::uint32_t time_ = 0;
  std::uint32_t index_ = 0;
  std::uint32_t end_ = 0;
};

}  // namespace mics::schedule
