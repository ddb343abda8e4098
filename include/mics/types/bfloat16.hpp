#pragma once

#include <bit>
#include <cstdint>

namespace mics {

namespace detail {

constexpr std::uint16_t bfloat16_bits_from(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = bits + 0x7fff + ((bits >> 16) & 1);
  // Rounding could carry a NaN into infinity, or past the sign: cut it instead, and make it quiet.
  const auto magnitude = static_cast<std::int32_t>(bits & 0x7fffffff);
  return static_cast<std::uint16_t>((magnitude > 0x7f800000 ? bits | 0x00400000 : rounded) >> 16);
}

constexpr float float_from_bfloat16_bits(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace detail

/// The upper half of a float32, as stored and sent: 2 bytes; arithmetic happens in float, to which it converts by
/// itself. From float it rounds to nearest, ties to even; what is too large becomes infinity, NaN stays NaN and is
/// quiet.
class bfloat16 {
 public:
  bfloat16() = default;
  constexpr explicit bfloat16(float value) noexcept : bits_(detail::bfloat16_bits_from(value)) {}

  constexpr operator float() const noexcept { return detail::float_from_bfloat16_bits(bits_); }

  [[nodiscard]] constexpr std::uint16_t bits() const noexcept { return bits_; }
  [[nodiscard]] static constexpr bfloat16 from_bits(std::uint16_t bits) noexcept {
    bfloat16 result{};
    result.bits_ = bits;
    return result;
  }

 private:
  std::uint16_t bits_;
};

}  // namespace mics
