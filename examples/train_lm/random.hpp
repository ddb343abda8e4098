#pragma once

#include <cstdint>
#include <initializer_list>

namespace train_lm {

/// One step of splitmix64: a different, well mixed number for every input, the same on every machine.
inline std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// A number that depends on all of `keys` and on nothing else, so that any rank can draw it without asking another.
inline std::uint64_t hash(std::initializer_list<std::uint64_t> keys) {
  std::uint64_t state = 0;
  for (const auto key : keys) state = mix(state ^ key);
  return state;
}

/// Uniform numbers in [-bound, bound): the start values of the parameters.
class uniform {
 public:
  explicit uniform(std::uint64_t seed) : state_(seed) {}

  float operator()(float bound) {
    state_ = mix(state_);
    const float unit = static_cast<float>(state_ >> 40) * 0x1p-24F;
    return bound * (2.0F * unit - 1.0F);
  }

 private:
  std::uint64_t state_;
};

}  // namespace train_lm
