#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace mics::test {

/// The nearest value of a 16-bit format, by arithmetic on doubles alone: shares nothing with the library's bit tricks.
struct slow_format {
  int fraction_bits;
  int smallest_exponent;  // of a normal value
  int largest_exponent;

  [[nodiscard]] double round(double value) const {
    if (std::isnan(value) || std::isinf(value) || value == 0) return value;
    const int unit = std::max(std::ilogb(value), smallest_exponent) - fraction_bits;
    const double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
    const double limit = std::ldexp(1.0, largest_exponent + 1);
    return std::abs(rounded) < limit ? rounded : std::copysign(std::numeric_limits<double>::infinity(), value);
  }

  [[nodiscard]] double value_of(std::uint16_t bits) const {
    const int fraction = bits & ((1 << fraction_bits) - 1);
    const int field = (bits & 0x7fff) >> fraction_bits;
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    if (field == largest_exponent - smallest_exponent + 2) {
      return fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
    }
    const int whole = field == 0 ? fraction : fraction + (1 << fraction_bits);
    return sign * std::ldexp(whole, std::max(field, 1) - 1 + smallest_exponent - fraction_bits);
  }
};

inline constexpr slow_format slow_float16{10, -14, 15};
inline constexpr slow_format slow_bfloat16{7, -126, 127};

/// Equal, the signs of zeros included; NaN equals NaN.
inline bool same(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? std::isnan(a) && std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}

}  // namespace mics::test
