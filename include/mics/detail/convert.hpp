#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include <mics/detail/lanes.hpp>
#include <mics/error.hpp>
#include <mics/types/data_type.hpp>
#include <mics/types/transportable.hpp>

namespace mics::detail {

/// A double to the float from which rounding to 16 bits gives what rounding the double itself would: truncated, and odd
/// when that lost anything (round to odd), so that no tie appears that was none.
constexpr float odd_float_from(double value) noexcept {
  const auto nearest = static_cast<float>(value);
  const double back = nearest;
  const double magnitude = value < 0 ? -value : value;
  auto bits = std::bit_cast<std::uint32_t>(nearest);
  if ((back < 0 ? -back : back) > magnitude) --bits;
  if (back != value && value == value) bits |= 1;
  return std::bit_cast<float>(bits);
}

template <class T> inline constexpr bool is_half = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;

/// One register of floats from `part` elements of any floating type, such that they round to To as the elements would.
template <class From, class To> lanes<float>::type floats_from(const std::byte* source, std::size_t part) noexcept {
  if constexpr (!std::is_same_v<From, double>) {
    return part == lanes<From>::count ? lanes<From>::load(source) : load_part<From>(source, part);
  } else {
    double wide[lanes<float>::count]{};
    std::memcpy(wide, source, part * sizeof(double));
    float narrow[lanes<float>::count];
    for (std::size_t i = 0; i < lanes<float>::count; ++i) {
      narrow[i] = is_half<To> ? odd_float_from(wide[i]) : static_cast<float>(wide[i]);
    }
    return std::bit_cast<lanes<float>::type>(narrow);
  }
}

template <class To> void store_floats(lanes<float>::type value, std::byte* destination, std::size_t part) noexcept {
  if constexpr (!std::is_same_v<To, double>) {
    part == lanes<To>::count ? lanes<To>::store(value, destination) : store_part<To>(value, destination, part);
  } else {
    double wide[lanes<float>::count];
    for (std::size_t i = 0; i < lanes<float>::count; ++i) wide[i] = value[i];
    std::memcpy(destination, wide, part * sizeof(double));
  }
}

template <class From, class To>
void convert_elements(const std::byte* source, std::byte* destination, std::size_t count) noexcept {
  constexpr std::size_t step = lanes<float>::count;
  std::size_t i = 0;
  for (; count - i >= step; i += step) {
    store_floats<To>(floats_from<From, To>(source + i * sizeof(From), step), destination + i * sizeof(To), step);
  }
  if (i == count) return;
  const std::size_t part = count - i;
  store_floats<To>(floats_from<From, To>(source + i * sizeof(From), part), destination + i * sizeof(To), part);
}

/// visit_type for the four floating types; refuses the others in words.
template <class F> void visit_floating(data_type type, F&& f) {
  switch (type) {
    case data_type::float16:
      return f(std::type_identity<float16>{});
    case data_type::bfloat16:
      return f(std::type_identity<bfloat16>{});
    case data_type::float32:
      return f(std::type_identity<float>{});
    case data_type::float64:
      return f(std::type_identity<double>{});
    default:
      throw usage_error(std::string(name_of(type)) + " cannot be converted; only floating types can");
  }
}

/// Converts `count` elements between floating types, rounding once, to nearest even; the same type is copied.
/// - NaN stays NaN, and becomes quiet; what is too large becomes infinity.
/// - Source and destination must not overlap, except that types of the same size may be converted in place.
/// - Alignment: none. Memory: none. Pointers may be null when `count` is 0.
/// - Throws usage_error for integers and for values outside the enum.
inline void convert(data_type from, const std::byte* source, data_type to, std::byte* destination, std::size_t count) {
  visit_floating(from, [&]<class From>(std::type_identity<From>) {
    visit_floating(to, [&]<class To>(std::type_identity<To>) {
      if (count == 0) return;
      if constexpr (std::is_same_v<From, To>) {
        if (source != destination) std::memcpy(destination, source, count * sizeof(To));
      } else {
        convert_elements<From, To>(source, destination, count);
      }
    });
  });
}

}  // namespace mics::detail
