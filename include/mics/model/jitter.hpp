#pragma once

#include <cmath>
#include <cstdint>

namespace mics::model {

/// What makes ranks differ. A group waits for its slowest rank, so both cost more in larger groups.
struct variance {
  double jitter = 0;     ///< every task of every rank takes up to so much longer: mean share, exponentially distributed
  double straggler = 1;  ///< one rank of the world computes so many times slower, and all wait for it
  std::uint64_t seed = 1;
};

/// The largest of `ranks` exponential draws, a sample at a time: one draw stands for the whole group.
class slowest_of {
 public:
  slowest_of(const variance& of, int ranks) noexcept : mean_(of.jitter), ranks_(ranks), state_(of.seed) {}

  /// The extra share of the next task.
  [[nodiscard]] double next() noexcept {
    if (mean_ <= 0) return 0;
    state_ += 0x9e3779b97f4a7c15U;  // splitmix64: the same on every machine, unlike std distributions
    std::uint64_t bits = state_;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
    bits ^= bits >> 31;
    const double uniform = (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53;
    // The maximum of n draws has the distribution F^n; -expm1 keeps digits where F is nearly 1.
    return -mean_ * std::log(-std::expm1(std::log(uniform) / ranks_));
  }

 private:
  double mean_;
  double ranks_;
  std::uint64_t state_;
};

}  // namespace mics::model
