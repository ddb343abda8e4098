#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>
#include <support/random.hpp>
#include <support/slow_rounding.hpp>

#include <mics/detail/convert.hpp>
#include <mics/detail/copy.hpp>
#include <mics/types.hpp>

using namespace mics;
using mics::test::same;

namespace {

constexpr std::byte untouched{0xa5};

/// Copies between the given offsets and says whether exactly the right bytes changed.
bool copies(std::size_t bytes, std::size_t to_offset, std::size_t from_offset, bool streaming) {
  std::vector<std::byte> from(from_offset + bytes);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(test::spread(i));
  std::vector<std::byte> to(to_offset + bytes + 64, untouched);
  detail::copy_bytes(to.data() + to_offset, from.data() + from_offset, bytes, streaming);
  const auto begin = to.begin() + static_cast<std::ptrdiff_t>(to_offset);
  const auto end = begin + static_cast<std::ptrdiff_t>(bytes);
  const auto clean = [](std::byte b) { return b == untouched; };
  return std::equal(begin, end, from.begin() + static_cast<std::ptrdiff_t>(from_offset)) &&
         std::all_of(to.begin(), begin, clean) && std::all_of(end, to.end(), clean);
}

template <class To, class From> std::vector<To> converted(const std::vector<From>& from) {
  std::vector<std::byte> source(from.size() * sizeof(From) + 1);
  std::vector<std::byte> destination(from.size() * sizeof(To) + 1);
  std::memcpy(source.data() + 1, from.data(), from.size() * sizeof(From));
  detail::convert(data_type_of<From>, source.data() + 1, data_type_of<To>, destination.data() + 1, from.size());
  std::vector<To> to(from.size());
  std::memcpy(to.data(), destination.data() + 1, to.size() * sizeof(To));
  return to;
}

std::vector<std::uint16_t> all_bits() {
  std::vector<std::uint16_t> bits(65536);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
  return bits;
}

template <class Half> std::vector<Half> all_halves() {
  std::vector<Half> halves;
  for (const std::uint16_t bits : all_bits()) halves.push_back(Half::from_bits(bits));
  return halves;
}

/// Doubles at, and a hair beside, the middle between neighbours: where going through float would round twice.
template <class Half> std::vector<double> boundaries(test::slow_format format) {
  std::vector<double> values;
  for (std::uint16_t bits = 0; std::isfinite(format.value_of(bits)); ++bits) {
    const double here = format.value_of(bits);
    const double next = format.value_of(static_cast<std::uint16_t>(bits + 1));
    const double middle = std::isfinite(next) ? (here + next) / 2 : here * 1.0001;
    for (const double value : {here, middle, std::nextafter(middle, 1e300), std::nextafter(middle, 0.0)}) {
      values.push_back(value);
      values.push_back(-value);
    }
  }
  for (const double value : {1e-320, 1e-46, 1e-300, 1e39, 3.4028235677973366e38, 1e300}) values.push_back(value);
  values.push_back(std::numeric_limits<double>::infinity());
  values.push_back(std::numeric_limits<double>::quiet_NaN());
  for (std::uint64_t i = 0; i < 100'000; ++i) values.push_back(std::bit_cast<double>(test::spread(i)));
  return values;
}

template <class Half, class From> int wrong_halves(const std::vector<From>& from, test::slow_format format) {
  const auto to = converted<Half>(from);
  int wrong = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!same(static_cast<float>(to[i]), format.round(static_cast<double>(from[i])))) ++wrong;
  }
  return wrong;
}

template <class To, class From> int wrong_values(const std::vector<From>& from) {
  const auto to = converted<To>(from);
  int wrong = 0;
  for (std::size_t i = 0; i < from.size(); ++i) wrong += same(to[i], static_cast<float>(from[i])) ? 0 : 1;
  return wrong;
}

}  // namespace

TEST_CASE("a copy moves its bytes and no others, whatever the size and alignment") {
  for (const bool streaming : {false, true}) {
    for (const std::size_t bytes :
         {0u, 1u, 63u, 64u, 65u, 4095u, 4096u, 4097u, 4159u, 4160u, 8191u, 100'003u, 1u << 20}) {
      for (const std::size_t to : {0u, 1u, 15u, 16u, 63u, 64u}) {
        for (const std::size_t from : {0u, 1u, 32u}) {
          INFO(bytes, " bytes from offset ", from, " to offset ", to, streaming ? ", streaming" : "");
          CHECK(copies(bytes, to, from, streaming));
        }
      }
    }
  }
}

TEST_CASE("a copy of nothing takes null pointers, and a copy onto itself changes nothing") {
  detail::copy_bytes(nullptr, nullptr, 0, false);
  detail::copy_bytes(nullptr, nullptr, 0, true);
  std::vector<std::byte> same_place(10'000, untouched);
  detail::copy_bytes(same_place.data(), same_place.data(), same_place.size(), true);
  CHECK(same_place == std::vector<std::byte>(10'000, untouched));
}

TEST_CASE("the 16-bit floats keep their values in wider types") {
  CHECK(wrong_values<float>(all_halves<float16>()) == 0);
  CHECK(wrong_values<float>(all_halves<bfloat16>()) == 0);
  CHECK(wrong_values<double>(all_halves<float16>()) == 0);
  CHECK(wrong_values<double>(all_halves<bfloat16>()) == 0);
}

TEST_CASE("conversions to 16 bits round once, from float, double and each other") {
  for (const auto& doubles : {boundaries<float16>(test::slow_float16), boundaries<bfloat16>(test::slow_bfloat16)}) {
    CHECK(wrong_halves<float16>(doubles, test::slow_float16) == 0);
    CHECK(wrong_halves<bfloat16>(doubles, test::slow_bfloat16) == 0);
    const std::vector<float> floats = converted<float>(doubles);
    for (std::size_t i = 0; i < floats.size(); ++i) REQUIRE(same(floats[i], static_cast<float>(doubles[i])));
    CHECK(wrong_halves<float16>(floats, test::slow_float16) == 0);
    CHECK(wrong_halves<bfloat16>(floats, test::slow_bfloat16) == 0);
  }
  CHECK(wrong_halves<float16>(all_halves<bfloat16>(), test::slow_float16) == 0);
  CHECK(wrong_halves<bfloat16>(all_halves<float16>(), test::slow_bfloat16) == 0);
  CHECK(float16::from_bits(0x3c01) == converted<float16>(std::vector<double>{1 + 0x1p-11 + 0x1p-50}).front());
}

TEST_CASE("every short count is converted, and nothing behind it") {
  for (std::size_t count = 0; count <= 40; ++count) {
    std::vector<float> from(count);
    for (std::size_t i = 0; i < count; ++i) from[i] = static_cast<float>(i) - 3.5f;
    std::vector<std::uint16_t> to(count + 1, 0xa5a5);
    detail::convert(data_type::float32, reinterpret_cast<const std::byte*>(from.data()), data_type::bfloat16,
                    reinterpret_cast<std::byte*>(to.data()), count);
    for (std::size_t i = 0; i < count; ++i) CHECK(to[i] == bfloat16(from[i]).bits());
    CHECK(to[count] == 0xa5a5);
  }
}

TEST_CASE("types of one size convert in place, and the same type keeps its bits") {
  auto halves = all_bits();
  auto* bytes = reinterpret_cast<std::byte*>(halves.data());
  detail::convert(data_type::float16, bytes, data_type::float16, bytes, halves.size());
  CHECK(halves == all_bits());
  detail::convert(data_type::float16, bytes, data_type::bfloat16, bytes, halves.size());
  const auto expected = converted<bfloat16>(all_halves<float16>());
  for (std::size_t i = 0; i < halves.size(); ++i) REQUIRE(halves[i] == expected[i].bits());
}

TEST_CASE("conversions refuse integers, and take null pointers for nothing") {
  std::byte byte{};
  CHECK_THROWS_WITH_AS(detail::convert(data_type::int32, &byte, data_type::float32, &byte, 0),
                       "int32 cannot be converted; only floating types can", usage_error);
  CHECK_THROWS_AS(detail::convert(data_type::float32, &byte, data_type::uint8, &byte, 0), usage_error);
  CHECK_THROWS_AS(detail::convert(data_type::float32, &byte, static_cast<data_type>(200), &byte, 0), usage_error);
  detail::convert(data_type::float64, nullptr, data_type::float16, nullptr, 0);
  detail::convert(data_type::float64, nullptr, data_type::float64, nullptr, 0);
}
