#pragma once

#include <concepts>
#include <ranges>
#include <type_traits>

#include <mics/types.hpp>

namespace mics {

/// Anything whose elements lie one behind the other and can be moved by the library: vector, array, span, ...
template <class B>
concept buffer = std::ranges::contiguous_range<B> && std::ranges::sized_range<B> &&
    transportable<std::remove_cv_t<std::ranges::range_value_t<B>>>;

template <class B>
concept writable_buffer = buffer<B> && !std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<B>>>;

namespace detail {
template <buffer B> inline constexpr data_type type_of = data_type_of<std::ranges::range_value_t<B>>;
}

/// Two buffers of one collective hold the same type.
template <class A, class B>
concept same_elements =
    buffer<A> && buffer<B> && std::same_as<std::ranges::range_value_t<A>, std::ranges::range_value_t<B>>;

}  // namespace mics
