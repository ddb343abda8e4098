#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <mics/types.hpp>

#include "pattern.hpp"

namespace perf {

/// How far a result may be off, relative to it: nothing, but where avg divides by a p that is no power of two.
inline double tolerance(mics::data_type type, mics::reduction op, int p) {
  if (op != mics::reduction::avg || (p & (p - 1)) == 0) return 0;
  switch (type) {
    case mics::data_type::bfloat16:
      return std::ldexp(1, -7);
    case mics::data_type::float16:
      return std::ldexp(1, -10);
    case mics::data_type::float32:
      return std::ldexp(1, -22);
    default:
      return std::ldexp(1, -51);
  }
}

/// Elements of `got` that differ from the pattern, which starts at its element `first`.
inline std::uint64_t count_wrong(const pattern& wanted, std::size_t first, std::span<const std::byte> got,
                                 mics::data_type type, double relative = 0) {
  std::uint64_t wrong = 0;
  along(wanted, first, got, [&](auto piece, auto right) {
    if (std::memcmp(piece.data(), right.data(), piece.size()) == 0) return;
    wrong += mics::visit_type(type, [&]<class T>(std::type_identity<T>) {
      std::uint64_t differ = 0;
      for (std::size_t at = 0; at < piece.size(); at += sizeof(T)) {
        if (std::memcmp(&piece[at], &right[at], sizeof(T)) == 0) continue;
        ++differ;
        if constexpr (mics::reducible<T>) {
          T a, b;
          std::memcpy(&a, &piece[at], sizeof(T));
          std::memcpy(&b, &right[at], sizeof(T));
          const auto x = static_cast<double>(a), y = static_cast<double>(b);
          if (relative > 0 && std::abs(x - y) <= relative * std::abs(y)) --differ;  // not for NaN
        }
      }
      return differ;
    });
  });
  return wrong;
}

}  // namespace perf
