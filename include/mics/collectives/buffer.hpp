#pragma once

#include <concepts>
#include <span>
#include <type_traits>

#include <mics/types.hpp>

namespace mics {

namespace detail {

/// The span over a buffer's elements; by way of std::span, so that <ranges> need not be included.
template <class B> using span_of = decltype(std::span(std::declval<B&>()));

}  // namespace detail

/// Anything whose elements lie one behind the other and can be moved by the library: vector, array, span, ...
template <class B>
concept buffer = requires {
  typename detail::span_of<B>;
}
&&transportable<typename detail::span_of<B>::value_type>;

template <class B>
concept writable_buffer = buffer<B> && !std::is_const_v<typename detail::span_of<B>::element_type>;

/// Two buffers of one collective hold the same type.
template <class A, class B>
concept same_elements = std::same_as < typename detail::span_of<A>::value_type,
typename detail::span_of<B>::value_type > ;

namespace detail {

template <buffer B> inline constexpr data_type type_of = data_type_of<typename span_of<B>::value_type>;

}  // namespace detail

}  // namespace mics
