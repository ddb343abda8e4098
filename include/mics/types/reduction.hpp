#pragma once

#include <cstdint>
#include <string_view>

#include <mics/types/data_type.hpp>

namespace mics {

/// How the elements of several ranks become one.
/// - Integers wrap around in sum and prod, as unsigned arithmetic does.
/// - avg is the sum with one scale, at the end (over NCCL at the start, as in NCCL's own avg); for floating types only.
/// - min and max follow IEEE 754-2019 minimum and maximum: any NaN gives NaN, and -0 is smaller than +0,
///   so the result does not depend on the order of the ranks.
enum class reduction : std::uint8_t { sum, avg, min, max, prod };

inline constexpr int reduction_count = 5;

/// The enumerator's own name, e.g. "sum". Throws usage_error for a value outside the enum.
constexpr std::string_view name_of(reduction how) {
  constexpr std::string_view names[reduction_count] = {"sum", "avg", "min", "max", "prod"};
  const auto index = static_cast<int>(how);
  if (index >= reduction_count) detail::refuse_enumerator("reduction", index, reduction_count);
  return names[index];
}

}  // namespace mics
