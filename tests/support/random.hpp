#pragma once

#include <cstddef>
#include <cstdint>

namespace mics::test {

/// Well-spread bits of a number; the finalizer of splitmix64.
constexpr std::uint64_t spread(std::uint64_t bits) noexcept {
  bits += 0x9e3779b97f4a7c15U;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31);
}

/// A seeded source of small numbers: the same everywhere, so that a failure can be repeated.
class dice {
 public:
  explicit constexpr dice(std::uint64_t seed) noexcept : state_(spread(seed)) {}

  /// 0 .. sides - 1.
  constexpr std::size_t roll(std::size_t sides) noexcept {
    state_ = spread(state_);
    return static_cast<std::size_t>(state_ % sides);
  }
  /// first .. last.
  constexpr int between(int first, int last) noexcept {
    return first + static_cast<int>(roll(static_cast<std::size_t>(last - first + 1)));
  }
  constexpr bool one_in(std::size_t sides) noexcept { return roll(sides) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace mics::test
