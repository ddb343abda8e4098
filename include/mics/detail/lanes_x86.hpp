#pragma once

// SSE2 is what every x86-64 has; AVX2 with F16C is used where the including translation unit is built for both.
// On other machines this file is empty.
#if defined(__SSE2__)

#if defined(__AVX2__) && defined(__F16C__)
#include <immintrin.h>
#else
#include <emmintrin.h>
#endif

#include <cstddef>

#include <mics/types/bfloat16.hpp>
#include <mics/types/float16.hpp>

// What lanes.hpp leaves to the machine, because compilers do it badly or, at -O2, not at all. The conversions of 16-bit
// floats give the scalar ones' bits; they compare integers and never compute with a subnormal float, so that neither
// -ffast-math nor flush-to-zero changes them.

namespace mics::detail {

#if defined(__AVX2__) && defined(__F16C__)

inline __m128i load_halves(const std::byte* from) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
inline void store_halves(std::byte* to, __m128i halves) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), halves);
}

inline __m256 widen_lanes(float16, const std::byte* from) noexcept { return _mm256_cvtph_ps(load_halves(from)); }
inline void narrow_lanes(float16, __m256 from, std::byte* to) noexcept {
  store_halves(to, _mm256_cvtps_ph(from, _MM_FROUND_TO_NEAREST_INT));
}

inline __m256 widen_lanes(bfloat16, const std::byte* from) noexcept {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_halves(from)), 16));
}
inline void narrow_lanes(bfloat16, __m256 from, std::byte* to) noexcept {
  const __m256i bits = _mm256_castps_si256(from);
  const __m256i odd = _mm256_srli_epi32(_mm256_slli_epi32(bits, 15), 31);
  const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
  const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
  const __m256i is_nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f800000));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));
  const __m256i upper = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, is_nan), 16);
  store_halves(to, _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1)));
}

inline __m256 unordered_lanes(__m256 a, __m256 b) noexcept { return _mm256_cmp_ps(a, b, _CMP_UNORD_Q); }
inline __m256d unordered_lanes(__m256d a, __m256d b) noexcept { return _mm256_cmp_pd(a, b, _CMP_UNORD_Q); }

inline __m256 scale_lanes(__m256 value, double scale) noexcept {
  const __m256d by = _mm256_set1_pd(scale);
  const __m128 low = _mm256_cvtpd_ps(_mm256_mul_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(value)), by));
  const __m128 high = _mm256_cvtpd_ps(_mm256_mul_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(value, 1)), by));
  return _mm256_insertf128_ps(_mm256_castps128_ps256(low), high, 1);
}

#else

inline __m128i blend(__m128i mask, __m128i yes, __m128i no) noexcept {
  return _mm_or_si128(_mm_and_si128(mask, yes), _mm_andnot_si128(mask, no));
}

/// Four halves, each in the upper half of 32 bits.
inline __m128i load_halves(const std::byte* from) noexcept {
  return _mm_unpacklo_epi16(_mm_setzero_si128(), _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
}
/// Four halves, each in the lower half of 32 bits and sign-extended, so that the saturating pack keeps them.
inline void store_halves(std::byte* to, __m128i halves) noexcept {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packs_epi32(halves, halves));
}

inline __m128 widen_lanes(bfloat16, const std::byte* from) noexcept { return _mm_castsi128_ps(load_halves(from)); }
inline void narrow_lanes(bfloat16, __m128 from, std::byte* to) noexcept {
  const __m128i bits = _mm_castps_si128(from);
  const __m128i odd = _mm_srli_epi32(_mm_slli_epi32(bits, 15), 31);
  const __m128i rounded = _mm_add_epi32(_mm_add_epi32(bits, _mm_set1_epi32(0x7fff)), odd);
  const __m128i magnitude = _mm_and_si128(bits, _mm_set1_epi32(0x7fffffff));
  const __m128i is_nan = _mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x7f800000));
  const __m128i quiet = _mm_or_si128(bits, _mm_set1_epi32(0x00400000));
  store_halves(to, _mm_srai_epi32(blend(is_nan, quiet, rounded), 16));
}

/// An exponent field larger by 0xe0 and a multiplication by 2^-112 rebias finite values and carry infinity and NaN
/// through. A subnormal is read as if its exponent were one more, which has a leading one to subtract: 2^-14.
inline __m128 widen_lanes(float16, const std::byte* from) noexcept {
  const __m128i bits = load_halves(from);
  const __m128i sign = _mm_and_si128(bits, _mm_set1_epi32(static_cast<int>(0x80000000u)));
  const __m128i magnitude = _mm_srli_epi32(_mm_xor_si128(bits, sign), 3);
  const __m128i subnormal = _mm_cmpgt_epi32(_mm_set1_epi32(1 << 23), magnitude);
  const __m128i one_up = _mm_and_si128(subnormal, _mm_set1_epi32(1 << 23));
  const __m128i raised = _mm_add_epi32(_mm_add_epi32(magnitude, one_up), _mm_set1_epi32(0xe0 << 23));
  const __m128 value = _mm_mul_ps(_mm_castsi128_ps(raised), _mm_set1_ps(0x1p-112f));
  const __m128 implied = _mm_and_ps(_mm_castsi128_ps(subnormal), _mm_set1_ps(0x1p-14f));
  return _mm_or_ps(_mm_sub_ps(value, implied), _mm_castsi128_ps(sign));
}

/// float16_bits_from, step by step.
inline void narrow_lanes(float16, __m128 from, std::byte* to) noexcept {
  const __m128i bits = _mm_castps_si128(from);
  const __m128i magnitude = _mm_and_si128(bits, _mm_set1_epi32(0x7fffffff));

  const __m128 half = _mm_set1_ps(0.5f);
  const __m128 placed = _mm_add_ps(_mm_castsi128_ps(magnitude), half);
  const __m128i subnormal = _mm_sub_epi32(_mm_castps_si128(placed), _mm_castps_si128(half));
  const __m128i minus_odd = _mm_srai_epi32(_mm_slli_epi32(magnitude, 18), 31);
  const __m128i rebiased = _mm_add_epi32(magnitude, _mm_set1_epi32(0xfff - (112 << 23)));
  const __m128i normal = _mm_srli_epi32(_mm_sub_epi32(rebiased, minus_odd), 13);
  const __m128i payload = _mm_and_si128(_mm_srli_epi32(magnitude, 13), _mm_set1_epi32(0x3ff));
  const __m128i nan = _mm_or_si128(payload, _mm_set1_epi32(0x200));

  const __m128i is_nan = _mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x7f800000));
  const __m128i special = _mm_or_si128(_mm_set1_epi32(0x7c00), _mm_and_si128(is_nan, nan));
  const __m128i is_small = _mm_cmplt_epi32(magnitude, _mm_set1_epi32(0x38800000));   // below 2^-14
  const __m128i is_finite = _mm_cmplt_epi32(magnitude, _mm_set1_epi32(0x47800000));  // below 2^16
  const __m128i unsigned_bits = blend(is_finite, blend(is_small, subnormal, normal), special);
  store_halves(to, _mm_or_si128(unsigned_bits, _mm_slli_epi32(_mm_srai_epi32(bits, 31), 15)));
}

inline __m128 unordered_lanes(__m128 a, __m128 b) noexcept { return _mm_cmpunord_ps(a, b); }
inline __m128d unordered_lanes(__m128d a, __m128d b) noexcept { return _mm_cmpunord_pd(a, b); }

inline __m128 scale_lanes(__m128 value, double scale) noexcept {
  const __m128d by = _mm_set1_pd(scale);
  const __m128 low = _mm_cvtpd_ps(_mm_mul_pd(_mm_cvtps_pd(value), by));
  const __m128 high = _mm_cvtpd_ps(_mm_mul_pd(_mm_cvtps_pd(_mm_movehl_ps(value, value)), by));
  return _mm_movelh_ps(low, high);
}

#endif

}  // namespace mics::detail

#endif  // __SSE2__
