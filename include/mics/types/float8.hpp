#pragma once

#include <cstdint>

#include <mics/types/data_type.hpp>

namespace mics {

/// One byte of an 8-bit floating format, as stored and sent. The library copies it and computes nothing in it: what the
/// bits mean, and how they come from wider types, is the trainer's (say __nv_fp8_e4m3's).
template <data_type Format>
requires(Format == data_type::float8_e4m3 || Format == data_type::float8_e5m2) class float8 {
 public:
  float8() = default;

  [[nodiscard]] constexpr std::uint8_t bits() const noexcept { return bits_; }
  [[nodiscard]] static constexpr float8 from_bits(std::uint8_t bits) noexcept {
    float8 result{};
    result.bits_ = bits;
    return result;
  }

 private:
  std::uint8_t bits_;
};

using float8_e4m3 = float8<data_type::float8_e4m3>;  ///< 4 bits of exponent, 3 of mantissa
using float8_e5m2 = float8<data_type::float8_e5m2>;  ///< 5 bits of exponent, 2 of mantissa

}  // namespace mics
