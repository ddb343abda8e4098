#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>
#include <support/random.hpp>
#include <support/slow_rounding.hpp>

#include <mics/types.hpp>

using namespace mics;
using mics::test::same;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

static_assert(sizeof(float16) == 2 && std::is_trivial_v<float16> && sizeof(bfloat16) == 2 &&
              std::is_trivial_v<bfloat16>);
static_assert(!std::is_convertible_v<float, float16> && std::is_convertible_v<float16, float>);
static_assert(float(float16(1.5f)) == 1.5f && float(bfloat16(-2.0f)) == -2.0f);
static_assert(float16(not_a_number).bits() == 0x7e00 && bfloat16(not_a_number).bits() == 0x7fc0);
static_assert(float16(-infinity).bits() == 0xfc00 && float16::from_bits(0x7c00) == infinity);

static_assert(data_type_of<const float> == data_type::float32 && data_type_of<bfloat16> == data_type::bfloat16);
static_assert(data_type_of<long long> == data_type::int64 && data_type_of<unsigned long> == data_type::uint64);
static_assert(data_type_of<std::byte> == data_type::uint8 && data_type_of<signed char> == data_type::int8);
static_assert(sizeof(float8_e4m3) == 1 && std::is_trivial_v<float8_e5m2> &&
              float8_e5m2::from_bits(0x7c).bits() == 0x7c);
static_assert(transportable<float8_e4m3> && data_type_of<const float8_e5m2> == data_type::float8_e5m2);
static_assert(!reducible<float8_e4m3> && !reducible<std::string> && reducible<const float16> && reducible<std::byte>);
static_assert(transportable<double> && transportable<const float16> && transportable<char>);
static_assert(!transportable<bool> && !transportable<int*> && !transportable<void> && !transportable<long double>);
static_assert(!transportable<volatile float> && !transportable<std::string>);

struct trainers_half {
  std::uint16_t bits;
};
struct wrong_size {
  std::uint32_t bits;
};

/// Floats around every value of the format and every rounding boundary, then arbitrary ones.
template <class F> void for_interesting_floats(test::slow_format format, F&& f) {
  for (int bits = 0; bits < 0x7fff; ++bits) {
    const double here = format.value_of(static_cast<std::uint16_t>(bits));
    const double next = format.value_of(static_cast<std::uint16_t>(bits + 1));
    if (!std::isfinite(here)) continue;
    const auto middle = static_cast<float>(here + (std::isfinite(next) ? next - here : 0.0) / 2);
    for (const float value :
         {static_cast<float>(here), middle, std::nextafter(middle, infinity), std::nextafter(middle, 0.0f)}) {
      f(value);
      f(-value);
    }
  }
  for (std::uint32_t exponent = 0; exponent < 256; ++exponent) {
    for (const std::uint32_t fraction : {0x0u, 0x1u, 0xfffu, 0x1000u, 0x1001u, 0x7fffu, 0x8000u, 0x8001u, 0x400000u,
                                         0x7fe000u, 0x7fefffu, 0x7ff000u, 0x7f7fffu, 0x7f8000u, 0x7fffffu}) {
      f(std::bit_cast<float>(exponent << 23 | fraction));
      f(std::bit_cast<float>(0x80000000u | exponent << 23 | fraction));
    }
  }
  for (std::uint64_t i = 0; i < 500'000; ++i) f(std::bit_cast<float>(static_cast<std::uint32_t>(test::spread(i))));
}

template <class Half> int wrong_roundings(test::slow_format format) {
  int wrong = 0;
  for_interesting_floats(format, [&](float value) {
    const float got = Half(value);
    if (!same(got, format.round(value)) && wrong++ == 0) MESSAGE("first wrong: ", value, " became ", got);
  });
  return wrong;
}

template <class Half> int wrong_values(test::slow_format format) {
  int wrong = 0;
  for (int i = 0; i < 65536; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float value = Half::from_bits(bits);
    const Half back(value);
    const bool kept = std::isnan(value) ? std::isnan(static_cast<float>(back)) : back.bits() == bits;
    if (!same(value, format.value_of(bits)) || !kept) ++wrong;
  }
  return wrong;
}

}  // namespace

template <>
struct mics::data_type_for<trainers_half> : std::integral_constant<mics::data_type, mics::data_type::float16> {};
template <>
struct mics::data_type_for<wrong_size> : std::integral_constant<mics::data_type, mics::data_type::float16> {};

static_assert(transportable<trainers_half> && data_type_of<const trainers_half> == data_type::float16);
static_assert(!transportable<wrong_size>);

TEST_CASE("every data type has a size, a name and a C++ type that agree") {
  std::vector<std::string_view> names;
  for (int i = 0; i < data_type_count; ++i) {
    const auto type = static_cast<data_type>(i);
    visit_type(type, [&]<class T>(std::type_identity<T>) {
      CHECK(data_type_of<T> == type);
      CHECK(sizeof(T) == size_of(type));
      CHECK(std::is_integral_v<T> == is_integer(type));
      CHECK(reducible<T> == is_reducible(type));
      CHECK(is_reducible(type) == (is_integer(type) != is_floating(type)));
    });
    names.push_back(name_of(type));
  }
  CHECK(names == std::vector<std::string_view>{"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
                                               "float16", "bfloat16", "float32", "float64", "float8_e4m3",
                                               "float8_e5m2"});
  CHECK(name_of(reduction::sum) == "sum");
  CHECK(name_of(reduction::prod) == "prod");
  CHECK(name_of(operation::all_gather) == "all_gather");
  CHECK(name_of(operation::barrier) == "barrier");
}

TEST_CASE("values outside the enums are refused with what was given and what is allowed") {
  const auto alien = static_cast<data_type>(14);
  CHECK_THROWS_WITH_AS(static_cast<void>(size_of(alien)), "data type 14 does not exist; allowed are 0 to 13",
                       usage_error);
  CHECK_THROWS_AS(static_cast<void>(name_of(alien)), usage_error);
  CHECK_THROWS_AS(visit_type(alien, [](auto) {}), usage_error);
  CHECK_THROWS_WITH_AS(
      visit_reducible_type(data_type::float8_e5m2, [](auto) {}),
      "float8_e5m2 is copied, never reduced; allowed: int8, uint8, int16, uint16, int32, uint32, int64, "
      "uint64, float16, bfloat16, float32, float64",
      usage_error);
  CHECK_THROWS_WITH_AS(static_cast<void>(name_of(static_cast<reduction>(5))),
                       "reduction 5 does not exist; allowed are 0 to 4", usage_error);
  CHECK_THROWS_AS(static_cast<void>(name_of(static_cast<operation>(255))), usage_error);
}

TEST_CASE("all 65536 bit patterns of the 16-bit floats have their value, and come back") {
  CHECK(wrong_values<float16>(test::slow_float16) == 0);
  CHECK(wrong_values<bfloat16>(test::slow_bfloat16) == 0);
}

TEST_CASE("floats round to the nearest 16-bit float, ties to even") {
  CHECK(wrong_roundings<float16>(test::slow_float16) == 0);
  CHECK(wrong_roundings<bfloat16>(test::slow_bfloat16) == 0);
}

TEST_CASE("the landmarks of float16") {
  CHECK(float16(65504.0f).bits() == 0x7bff);
  CHECK(float16(std::nextafter(65520.0f, 0.0f)).bits() == 0x7bff);
  CHECK(float16(65520.0f).bits() == 0x7c00);
  CHECK(float16(0x1p-24f).bits() == 0x0001);
  CHECK(float16(0x1p-25f).bits() == 0x0000);
  CHECK(float16(-0x1p-25f).bits() == 0x8000);
  CHECK(float16(0x1.000002p-25f).bits() == 0x0001);
  CHECK(float16(1.0f + 0x1p-11f).bits() == 0x3c00);
  CHECK(float16(1.0f + 0x3p-11f).bits() == 0x3c02);
}
