#pragma once

#include <concepts>
#include <span>
#include <type_traits>
#include <utility>

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

/// A buffer whose elements can be reduced.
template <class B>
concept reducible_buffer = buffer<B> && reducible<typename detail::span_of<B>::value_type>;

template <class B>
concept writable_buffer = buffer<B> && !std::is_const_v<typename detail::span_of<B>::element_type>;

/// A buffer, as a deduced `B&&`, that is still there when a call has returned: named, or a view such as a span.
template <class B>
concept outlives_call = std::is_lvalue_reference_v<B> || std::ranges::enable_borrowed_range<std::remove_cvref_t<B>>;

/// Two buffers of one collective hold the same type.
template <class A, class B>
concept same_elements = std::same_as < typename detail::span_of<A>::value_type,
typename detail::span_of<B>::value_type > ;

namespace detail {

/// Says why a temporary may not be given to work that runs later.
template <class... Buffers> consteval bool check_outlives() {
  static_assert((outlives_call<Buffers> && ...),
                "mics: a temporary buffer would be gone before the stream or the batch uses it");
  return true;
}

template <buffer B> inline constexpr data_type type_of = data_type_of<typename span_of<B>::value_type>;

}  // namespace detail

}  // namespace mics
