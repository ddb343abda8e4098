#pragma once

#include <cstdint>
#include <string_view>

#include <mics/types/data_type.hpp>

namespace mics {

/// The collectives, as plans, errors and counters name them.
enum class operation : std::uint8_t { all_gather, reduce_scatter, all_reduce, broadcast, barrier };

inline constexpr int operation_count = 5;

namespace detail {
// Not inside name_of(): g++ would build the table anew in each call, and every call of a collective names its
// operation.
inline constexpr std::string_view operation_names[operation_count] = {"all_gather", "reduce_scatter", "all_reduce",
                                                                      "broadcast", "barrier"};
}  // namespace detail

/// The enumerator's own name, e.g. "all_gather". Throws usage_error for a value outside the enum.
constexpr std::string_view name_of(operation what) {
  const auto index = static_cast<int>(what);
  if (index >= operation_count) detail::refuse_enumerator("operation", index, operation_count);
  return detail::operation_names[index];
}

}  // namespace mics
