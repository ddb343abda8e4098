#pragma once

#include <cstdint>

namespace mics::detail {

/// Turns a sequence of numbers into 64 bits that are the same on every machine: std::hash promises nothing of the kind.
class fingerprint_builder {
 public:
  constexpr void add(std::uint64_t number) noexcept { state_ = mixed(state_ ^ mixed(number + golden)) + golden; }
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return mixed(state_); }

 private:
  static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;

  /// The finaliser of splitmix64: a bijection in which every bit of the input reaches every bit of the output.
  static constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  std::uint64_t state_ = 0;
};

}  // namespace mics::detail
