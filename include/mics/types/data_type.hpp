#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <mics/error.hpp>

namespace mics {

/// The element types that every transport moves, and reduces up to float64; int, uint and float are followed by their
/// width in bits.
enum class data_type : std::uint8_t {
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float16,   ///< IEEE 754 half
  bfloat16,  ///< the upper half of a float32
  float32,
  float64,
  float8_e4m3,  ///< copied, never reduced; see float8.hpp
  float8_e5m2,  ///< likewise
};

inline constexpr int data_type_count = 14;
inline constexpr int reducible_type_count = 12;

namespace detail {
/// A value cast from a trainer's own enum can be anything: refuse it in words instead of reading past a table.
[[noreturn]] inline void refuse_enumerator(const char* kind, int given, int count) {
  throw usage_error(std::string(kind) + " " + std::to_string(given) + " does not exist; allowed are 0 to " +
                    std::to_string(count - 1));
}
}  // namespace detail

/// Bytes of one element. Throws usage_error for a value outside the enum.
constexpr std::size_t size_of(data_type type) {
  switch (type) {
    case data_type::int8:
    case data_type::uint8:
    case data_type::float8_e4m3:
    case data_type::float8_e5m2:
      return 1;
    case data_type::int16:
    case data_type::uint16:
    case data_type::float16:
    case data_type::bfloat16:
      return 2;
    case data_type::int32:
    case data_type::uint32:
    case data_type::float32:
      return 4;
    case data_type::int64:
    case data_type::uint64:
    case data_type::float64:
      return 8;
  }
  detail::refuse_enumerator("data type", static_cast<int>(type), data_type_count);
}

/// The enumerator's own name, e.g. "bfloat16". Throws usage_error for a value outside the enum.
constexpr std::string_view name_of(data_type type) {
  constexpr std::string_view names[data_type_count] = {"int8",    "uint8",   "int16",       "uint16",     "int32",
                                                       "uint32",  "int64",   "uint64",      "float16",    "bfloat16",
                                                       "float32", "float64", "float8_e4m3", "float8_e5m2"};
  const auto index = static_cast<int>(type);
  if (index >= data_type_count) detail::refuse_enumerator("data type", index, data_type_count);
  return names[index];
}

/// Can its elements be reduced? Else they are only copied.
constexpr bool is_reducible(data_type type) noexcept { return static_cast<int>(type) < reducible_type_count; }
constexpr bool is_integer(data_type type) noexcept { return type < data_type::float16; }
/// Floating types in which the library computes.
constexpr bool is_floating(data_type type) noexcept { return type >= data_type::float16 && type <= data_type::float64; }

namespace detail {
/// Why elements of `type` cannot be reduced, and which can.
inline std::string not_reducible(data_type type) {
  std::string why = std::string(name_of(type)) + " is copied, never reduced; allowed: ";
  for (int i = 0; i < reducible_type_count; ++i) {
    why += (i > 0 ? ", " : "") + std::string(name_of(static_cast<data_type>(i)));
  }
  return why;
}
}  // namespace detail

}  // namespace mics
