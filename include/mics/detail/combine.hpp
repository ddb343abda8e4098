#pragma once

#include <bit>
#include <limits>
#include <type_traits>

#include <mics/detail/lanes.hpp>

// What each reduction does to two registers of elements (see lanes.hpp).

namespace mics::detail {

/// Sums and products of signed integers are computed on their unsigned twins: same bits, and overflow is defined.
template <class T> struct wrapping { using type = T; };
template <class T>
requires(std::is_integral_v<T>) struct wrapping<T> : std::make_unsigned<T> {
};

struct add {
  template <class V> static V apply(V a, V b) noexcept { return a + b; }
};
struct multiply {
  template <class V> static V apply(V a, V b) noexcept { return a * b; }
};

/// The smaller (or larger) element. Floats follow IEEE 754-2019 minimum (maximum): -0 < +0, and any NaN gives NaN,
/// always the same one (all bits set), so the order of the operands does not matter. Written without a select between
/// registers: g++ 12 would go element by element for 64-bit ones, since SSE2 cannot compare those as integers.
template <bool Smaller> struct extreme {
  template <class V> static V apply(V a, V b) noexcept {
    using bits = mask_of<V>;
    const auto x = std::bit_cast<bits>(a);
    const auto y = std::bit_cast<bits>(b);
    const bits first = Smaller ? a < b : b < a;
    if constexpr (std::is_integral_v<std::remove_cvref_t<decltype(a[0])>>) {
      return std::bit_cast<V>((x & first) | (y & ~first));
    } else {
      constexpr auto top_bit = std::numeric_limits<std::remove_cvref_t<decltype(x[0])>>::min();
      const bits sign = (a == b) & top_bit;  // equal elements can only differ by the sign of zero
      const bits ordered = Smaller ? (x & (first | sign)) | (y & ~first) : (x & first) | (y & ~(first | (sign & ~x)));
      return std::bit_cast<V>(ordered | unordered(a, b));
    }
  }
};
using minimum = extreme<true>;
using maximum = extreme<false>;

}  // namespace mics::detail
