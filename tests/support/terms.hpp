#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <mics/types.hpp>

#include "random.hpp"

namespace mics::test {

/// Elements after which the data of a reduction repeat: a prime, so that no block or chunk that is misplaced looks
/// right.
inline constexpr std::size_t period = 251;

template <class T> T from_number(double value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<long long>(value));
  } else if constexpr (sizeof(T) == 2) {
    return T(static_cast<float>(value));
  } else {
    return static_cast<T>(value);
  }
}

/// What `rank` brings to element i of a reduction: so small a number that every partial result over 16 ranks is exact
/// in every type, in every order.
inline int term(reduction how, int rank, std::size_t i, std::uint64_t seed) {
  const std::size_t at = i % period;
  const std::uint64_t bits = spread(seed ^ spread(static_cast<std::uint64_t>(rank) << 32 | at));
  if (how != reduction::prod) return static_cast<int>(bits % 7) - 3;
  const int magnitude = (static_cast<std::size_t>(rank) + at) % 4 == 0 ? 2 : 1;
  return bits % 2 == 0 ? magnitude : -magnitude;
}

/// Copies the first period of `values` over the rest.
template <class T> void repeat(std::vector<T>& values) {
  for (std::size_t at = period; at < values.size(); at += period) {
    std::memcpy(values.data() + at, values.data(), std::min(period, values.size() - at) * sizeof(T));
  }
}

/// Elements first, first + 1, ... of what `rank` brings.
template <class T>
std::vector<T> terms(reduction how, int rank, std::size_t first, std::size_t count, std::uint64_t seed) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < std::min(count, period); ++i)
    values[i] = from_number<T>(term(how, rank, first + i, seed));
  repeat(values);
  return values;
}

/// The exact result of the terms of `ranks`, by the meaning of each reduction.
template <class T, class Ranks> T reduced(reduction how, const Ranks& ranks, std::size_t i, std::uint64_t seed) {
  using wide = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
  bool first = true;
  wide sum = 0, product = 1;
  T least{}, most{};
  for (const int rank : ranks) {
    const T value = from_number<T>(term(how, rank, i, seed));
    sum += static_cast<wide>(value);
    product *= static_cast<wide>(value);
    least = first || value < least ? value : least;
    most = first || value > most ? value : most;
    first = false;
  }
  switch (how) {
    case reduction::min:
      return least;
    case reduction::max:
      return most;
    case reduction::avg:  // one multiplication at the end
      if constexpr (!std::is_integral_v<T>) return from_number<T>(sum * (1.0 / static_cast<double>(ranks.size)));
      break;
    default:
      break;
  }
  const wide exact = how == reduction::prod ? product : sum;
  if constexpr (std::is_integral_v<T>) return static_cast<T>(exact);
  return from_number<T>(static_cast<double>(exact));
}

template <class T, class Ranks>
std::vector<T> all_reduced(reduction how, const Ranks& ranks, std::size_t first, std::size_t count,
                           std::uint64_t seed) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < std::min(count, period); ++i) values[i] = reduced<T>(how, ranks, first + i, seed);
  repeat(values);
  return values;
}

/// Any bits, NaNs among them: for data that are moved only.
template <class T> std::vector<T> any_bits(int rank, std::size_t count, std::uint64_t seed) {
  std::vector<T> values(count);
  dice random(seed ^ spread(static_cast<std::uint64_t>(rank)));
  const std::size_t bytes = count * sizeof(T);
  for (std::size_t at = 0; at < bytes; at += sizeof(std::size_t)) {
    const std::size_t bits = random.roll(~std::size_t{0});
    std::memcpy(reinterpret_cast<char*>(values.data()) + at, &bits, std::min(sizeof(bits), bytes - at));
  }
  return values;
}

/// An element in words: its number, or the bits of a type in which the library does not compute.
template <class T> std::string shown(T value) {
  if constexpr (reducible<T>) return std::to_string(static_cast<double>(value));
  if constexpr (!reducible<T>) return "bits " + std::to_string(value.bits());
}

/// Where two buffers differ in their bits, in words; empty if nowhere.
template <class T> std::string difference(std::span<const T> got, std::span<const T> wanted) {
  if (got.size() != wanted.size()) return "wrong length";
  if (got.empty() || std::memcmp(got.data(), wanted.data(), got.size_bytes()) == 0) return {};
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::memcmp(&got[i], &wanted[i], sizeof(T)) == 0) continue;
    return "element " + std::to_string(i) + " of " + std::to_string(got.size()) + " is " + shown(got[i]) + ", not " +
           shown(wanted[i]);
  }
  return {};
}

}  // namespace mics::test
