#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <mics/detail/lanes_x86.hpp>
#include <mics/types/bfloat16.hpp>
#include <mics/types/float16.hpp>

// Registers of elements, through the vector types that g++ and clang share: what is written with them is vectorised at
// every optimisation level, on every machine. Pointers need no alignment.

namespace mics::detail {

#if defined(__AVX2__) && defined(__F16C__)
inline constexpr std::size_t lane_bytes = 32;
#else
inline constexpr std::size_t lane_bytes = 16;
#endif

/// `type` holds `count` elements of T; load and store move that many.
template <class T> struct lanes {
  typedef T type __attribute__((vector_size(lane_bytes)));
  static constexpr std::size_t count = lane_bytes / sizeof(T);

  static type load(const std::byte* from) noexcept {
    type value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  static void store(type value, std::byte* to) noexcept { std::memcpy(to, &value, sizeof value); }
};

/// 16-bit floats are floats while they are in a register; storing rounds them.
template <class Half> struct half_lanes {
  using type = lanes<float>::type;
  static constexpr std::size_t count = lanes<float>::count;

#if defined(__SSE2__)
  static type load(const std::byte* from) noexcept { return widen_lanes(Half{}, from); }
  static void store(type value, std::byte* to) noexcept { narrow_lanes(Half{}, value, to); }
#else
  static type load(const std::byte* from) noexcept {
    std::uint16_t bits[count];
    std::memcpy(bits, from, sizeof bits);
    type value{};
    for (std::size_t i = 0; i < count; ++i) value[i] = Half::from_bits(bits[i]);
    return value;
  }
  static void store(type value, std::byte* to) noexcept {
    std::uint16_t bits[count];
    for (std::size_t i = 0; i < count; ++i) bits[i] = Half(value[i]).bits();
    std::memcpy(to, bits, sizeof bits);
  }
#endif
};
template <> struct lanes<float16> : half_lanes<float16> {};
template <> struct lanes<bfloat16> : half_lanes<bfloat16> {};

/// The first `part` < count elements, the others zero.
template <class T> typename lanes<T>::type load_part(const std::byte* from, std::size_t part) noexcept {
  std::byte all[lanes<T>::count * sizeof(T)]{};
  std::memcpy(all, from, part * sizeof(T));
  return lanes<T>::load(all);
}
template <class T> void store_part(typename lanes<T>::type value, std::byte* to, std::size_t part) noexcept {
  std::byte all[lanes<T>::count * sizeof(T)];
  lanes<T>::store(value, all);
  std::memcpy(to, all, part * sizeof(T));
}

/// Comparing two registers gives integers of the same width, all ones where it holds.
template <class V> using mask_of = std::remove_cvref_t<decltype(std::declval<V>() < std::declval<V>())>;

/// Where an element of either is NaN, all ones.
template <class V> mask_of<V> unordered(V a, V b) noexcept {
#if defined(__SSE2__)
  return std::bit_cast<mask_of<V>>(unordered_lanes(a, b));
#else
  return (a != a) | (b != b);
#endif
}

/// Every element times `scale`, in double, rounded once to T.
template <class T> typename lanes<T>::type scaled(typename lanes<T>::type value, double scale) noexcept {
  if constexpr (std::is_same_v<T, double>) {
    return value * scale;
  } else {
#if defined(__SSE2__)
    return scale_lanes(value, scale);
#else
    for (std::size_t i = 0; i < lanes<T>::count; ++i) value[i] = static_cast<float>(value[i] * scale);
    return value;
#endif
  }
}

}  // namespace mics::detail
