#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <mics/types/bfloat16.hpp>
#include <mics/types/data_type.hpp>
#include <mics/types/float16.hpp>
#include <mics/types/float8.hpp>

namespace mics {

namespace detail {
template <data_type Type> using data_type_constant = std::integral_constant<data_type, Type>;

template <class T>
concept sized_integer = std::integral<T> && !std::same_as<T, bool> && sizeof(T) <= 8;

template <sized_integer T> consteval data_type integer_type() {
  constexpr int width = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 2 : sizeof(T) == 4 ? 4 : 6;
  return static_cast<data_type>(width + (std::is_signed_v<T> ? 0 : 1));
}
}  // namespace detail

/// The data_type of a C++ type. Specialise it for a type of your own, which must be trivially copyable and of the
/// same size and meaning: `template <> struct mics::data_type_for<my_half>
///                            : std::integral_constant<mics::data_type, mics::data_type::float16> {};`
template <class T> struct data_type_for {};

template <detail::sized_integer T> struct data_type_for<T> : detail::data_type_constant<detail::integer_type<T>()> {};
template <> struct data_type_for<std::byte> : detail::data_type_constant<data_type::uint8> {};
template <> struct data_type_for<float16> : detail::data_type_constant<data_type::float16> {};
template <> struct data_type_for<bfloat16> : detail::data_type_constant<data_type::bfloat16> {};
template <> struct data_type_for<float> : detail::data_type_constant<data_type::float32> {};
template <> struct data_type_for<double> : detail::data_type_constant<data_type::float64> {};
template <data_type Format> struct data_type_for<float8<Format>> : detail::data_type_constant<Format> {};

/// The data_type of T, const or not.
template <class T> inline constexpr data_type data_type_of = data_type_for<std::remove_const_t<T>>::value;

/// A type whose elements the collectives move: it has a data_type, is trivially copyable and of that type's size.
template <class T>
concept transportable = requires {
  { data_type_for<std::remove_const_t<T>>::value } -> std::convertible_to<data_type>;
  requires std::is_trivially_copyable_v<T> && sizeof(T) == size_of(data_type_of<T>);
};

/// A type whose elements the collectives also reduce.
template <class T>
concept reducible = transportable<T> && is_reducible(data_type_of<T>);

/// Calls `f(std::type_identity<T>{})` with the C++ type of `type` and returns its result; the result type must be the
/// same for all types. Throws usage_error for a type that is only copied and for a value outside the enum.
template <class F> constexpr decltype(auto) visit_reducible_type(data_type type, F&& f) {
  switch (type) {
    case data_type::int8:
      return std::forward<F>(f)(std::type_identity<std::int8_t>{});
    case data_type::uint8:
      return std::forward<F>(f)(std::type_identity<std::uint8_t>{});
    case data_type::int16:
      return std::forward<F>(f)(std::type_identity<std::int16_t>{});
    case data_type::uint16:
      return std::forward<F>(f)(std::type_identity<std::uint16_t>{});
    case data_type::int32:
      return std::forward<F>(f)(std::type_identity<std::int32_t>{});
    case data_type::uint32:
      return std::forward<F>(f)(std::type_identity<std::uint32_t>{});
    case data_type::int64:
      return std::forward<F>(f)(std::type_identity<std::int64_t>{});
    case data_type::uint64:
      return std::forward<F>(f)(std::type_identity<std::uint64_t>{});
    case data_type::float16:
      return std::forward<F>(f)(std::type_identity<float16>{});
    case data_type::bfloat16:
      return std::forward<F>(f)(std::type_identity<bfloat16>{});
    case data_type::float32:
      return std::forward<F>(f)(std::type_identity<float>{});
    case data_type::float64:
      return std::forward<F>(f)(std::type_identity<double>{});
    case data_type::float8_e4m3:
    case data_type::float8_e5m2:
      throw usage_error(detail::not_reducible(type));
  }
  detail::refuse_enumerator("data type", static_cast<int>(type), data_type_count);
}

/// The same for all types, those that are only copied among them.
template <class F> constexpr decltype(auto) visit_type(data_type type, F&& f) {
  if (type == data_type::float8_e4m3) return std::forward<F>(f)(std::type_identity<float8_e4m3>{});
  if (type == data_type::float8_e5m2) return std::forward<F>(f)(std::type_identity<float8_e5m2>{});
  return visit_reducible_type(type, std::forward<F>(f));
}

}  // namespace mics
