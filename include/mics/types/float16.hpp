#pragma once

#include <bit>
#include <cstdint>

namespace mics {

namespace detail {

// Both directions are free of branches, and their comparisons are signed, so that loops over them vectorise on SSE2.
// The float arithmetic in them never touches a subnormal float: flush-to-zero modes do not change the results.

constexpr std::uint16_t float16_bits_from(float value) noexcept {
  const auto bits = std::bit_cast<std::int32_t>(value);
  const std::int32_t magnitude = bits & 0x7fffffff;
  constexpr std::int32_t smallest_normal = 0x38800000;  // 2^-14
  constexpr std::int32_t too_large = 0x47800000;        // 2^16; [65520, 2^16) reaches infinity by rounding
  constexpr std::int32_t infinity = 0x7f800000;

  // Adding 0.5 puts the units of a subnormal half (2^-24) at the last bit of the float, whose addition rounds for us.
  const float small = std::bit_cast<float>(magnitude < smallest_normal ? magnitude : smallest_normal);
  const std::int32_t subnormal = std::bit_cast<std::int32_t>(small + 0.5f) - 0x3f000000;
  // Rebias the exponent, then round to nearest even: 0xfff, and one more when the last kept bit is odd.
  const std::int32_t normal = (magnitude - (112 << 23) + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  const std::int32_t nan = 0x7e00 | ((magnitude >> 13) & 0x3ff);  // quiet, upper payload kept, as F16C does

  const std::int32_t finite = magnitude < smallest_normal ? subnormal : normal;
  const std::int32_t special = magnitude > infinity ? nan : 0x7c00;
  const std::int32_t sign = (bits >> 16) & 0x8000;
  return static_cast<std::uint16_t>(sign | (magnitude < too_large ? finite : special));
}

constexpr float float_from_float16_bits(std::uint16_t half) noexcept {
  const std::int32_t wide = half;
  const std::int32_t shifted = (wide & 0x7fff) << 13;
  constexpr std::int32_t rebias = 112 << 23;

  // A subnormal half is its mantissa times 2^-24: put it under an exponent of 2^-14 and subtract the implied one.
  const std::int32_t one_up = (shifted & 0x7fffff) + (113 << 23);
  const auto subnormal = std::bit_cast<std::int32_t>(std::bit_cast<float>(one_up) - 0x1p-14f);
  const std::int32_t exponent = shifted & 0x0f800000;
  const std::int32_t special = exponent == 0x0f800000 ? rebias : 0;
  const std::int32_t quiet = shifted > 0x0f800000 ? 0x00400000 : 0;
  const std::int32_t normal = (shifted + rebias + special) | quiet;
  return std::bit_cast<float>(((wide & 0x8000) << 16) | (exponent == 0 ? subnormal : normal));
}

}  // namespace detail

/// IEEE 754 half precision as stored and sent: 2 bytes; arithmetic happens in float, to which it converts by itself.
/// From float it rounds to nearest, ties to even; what is too large becomes infinity, NaN stays NaN and is quiet.
class float16 {
 public:
  float16() = default;
  constexpr explicit float16(float value) noexcept : bits_(detail::float16_bits_from(value)) {}

  constexpr operator float() const noexcept { return detail::float_from_float16_bits(bits_); }

  [[nodiscard]] constexpr std::uint16_t bits() const noexcept { return bits_; }
  [[nodiscard]] static constexpr float16 from_bits(std::uint16_t bits) noexcept {
    float16 result{};
    result.bits_ = bits;
    return result;
  }

 private:
  std::uint16_t bits_;
};

}  // namespace mics
