#pragma once

#include <cmath>
#include <cstdint>

namespace mics::model {

/// What makes ranks differ. A group waits for its slowest rank, so jitter costs more in larger groups.
struct variance {
  double jitter =
      0;  ///< every task and call of every rank takes up to so much longer: mean share, exponentially distributed
  double straggler = 1;  ///< one rank of the world computes so many times slower, and all wait for it
  std::uint64_t seed = 1;
};

/// The largest of `ranks` exponential draws: one sample stands for the whole group.
/// A sample depends on the seed and its index only, so that it stays with its task however tasks are ordered.
class slowest_of {
 public:
  explicit slowest_of(const variance& of) noexcept : mean_(of.jitter), seed_(of.seed) {}

  /// The extra share of what `ranks` ranks do together.
  [[nodiscard]] double operator()(std::uint64_t index, int ranks) const noexcept {
    if (mean_ <= 0) return 0;
    // splitmix64: the same on every machine, unlike the distributions of the standard library
    std::uint64_t bits = (seed_ + 0x632be59bd9b4e019U) * 0xd1342543de82ef95U + (index + 1) * 0x9e3779b97f4a7c15U;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
    bits ^= bits >> 31;
    const double uniform = (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53;
    // The maximum of n draws has the distribution F^n; expm1 keeps the digits where F is nearly 1.
    return -mean_ * std::log(-std::expm1(std::log(uniform) / ranks));
  }

 private:
  double mean_;
  std::uint64_t seed_;
};

}  // namespace mics::model
