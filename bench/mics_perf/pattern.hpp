#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include <mics/types.hpp>

namespace perf {

/// Elements after which a pattern repeats: a prime, so that no block or chunk that is misplaced looks right.
inline constexpr std::size_t period = 8191;

/// `period` elements of one type, as bytes.
struct pattern {
  std::size_t element = 1;  ///< bytes
  std::vector<std::byte> bytes{};
};

/// Well-spread bits of (seed, rank, element); the finalizer of splitmix64.
constexpr std::uint64_t mix(std::uint64_t seed, int rank, std::size_t index) {
  std::uint64_t bits = seed * 0x9e3779b97f4a7c15U + (static_cast<std::uint64_t>(rank) << 40) + index;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31);
}

/// Any bits: for data that are moved only.
inline pattern moved_data(mics::data_type type, int rank, std::uint64_t seed) {
  pattern made{mics::size_of(type), std::vector<std::byte>(period * mics::size_of(type))};
  for (std::size_t i = 0; i < period; ++i) {
    const std::uint64_t bits = mix(seed, rank, i);
    std::memcpy(made.bytes.data() + i * made.element, &bits, made.element);
  }
  return made;
}

/// What `rank` of p adds at element i: so small that every partial result is exact in every type, in every order.
constexpr int term(mics::reduction op, int rank, int p, std::size_t i, std::uint64_t seed) {
  constexpr int most = 120;  // below int8's 127
  const auto bits = static_cast<int>(mix(seed, rank, i) % 5040);
  switch (op) {
    case mics::reduction::sum:
    case mics::reduction::avg: {
      if (p <= most) return bits % (most / p) + 1;
      const int share = p / most + 1;  // only every share-th rank adds, another set at every element
      return (static_cast<std::size_t>(rank) + i) % static_cast<std::size_t>(share) == 0 ? 1 : 0;
    }
    case mics::reduction::prod:
      return static_cast<int>((static_cast<std::size_t>(rank) + i) % static_cast<std::size_t>(p)) < 6 ? bits % 2 + 1
                                                                                                      : 1;
    default:
      return bits % most;
  }
}

/// The exact result over p ranks at element i; avg's is the sum, to be divided.
constexpr int folded(mics::reduction op, int p, std::size_t i, std::uint64_t seed) {
  int result = term(op, 0, p, i, seed);
  for (int rank = 1; rank < p; ++rank) {
    const int next = term(op, rank, p, i, seed);
    switch (op) {
      case mics::reduction::sum:
      case mics::reduction::avg:
        result += next;
        break;
      case mics::reduction::prod:
        result *= next;
        break;
      case mics::reduction::min:
        result = std::min(result, next);
        break;
      case mics::reduction::max:
        result = std::max(result, next);
        break;
    }
  }
  return result;
}

/// `period` values of a type that can be reduced, value(i) each.
template <class F> pattern typed(mics::data_type type, F value) {
  return mics::visit_reducible_type(type, [&]<class T>(std::type_identity<T>) {
    pattern made{sizeof(T), std::vector<std::byte>(period * sizeof(T))};
    for (std::size_t i = 0; i < period; ++i) {
      T element;
      if constexpr (std::is_integral_v<T>) {
        element = static_cast<T>(value(i));
      } else {
        element = static_cast<T>(static_cast<std::conditional_t<sizeof(T) == 2, float, T>>(value(i)));
      }
      std::memcpy(made.bytes.data() + i * sizeof(T), &element, sizeof(T));
    }
    return made;
  });
}

inline pattern terms(mics::data_type type, mics::reduction op, int rank, int p, std::uint64_t seed) {
  return typed(type, [=](std::size_t i) { return static_cast<double>(term(op, rank, p, i, seed)); });
}

inline pattern result(mics::data_type type, mics::reduction op, int p, std::uint64_t seed) {
  const double divisor = op == mics::reduction::avg ? p : 1;
  return typed(type, [=](std::size_t i) { return folded(op, p, i, seed) / divisor; });
}

/// Calls f(piece of `data`, the part of the pattern that belongs there) from element `first` of the pattern on.
template <class Byte, class F> void along(const pattern& source, std::size_t first, std::span<Byte> data, F f) {
  std::size_t at = first % period * source.element;
  while (!data.empty()) {
    const std::size_t bytes = std::min(data.size(), source.bytes.size() - at);
    f(data.first(bytes), std::span(source.bytes).subspan(at, bytes));
    data = data.subspan(bytes);
    at = 0;
  }
}

inline void fill(const pattern& source, std::size_t first, std::span<std::byte> data) {
  along(source, first, data, [](auto piece, auto wanted) { std::memcpy(piece.data(), wanted.data(), piece.size()); });
}

}  // namespace perf
