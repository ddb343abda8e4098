#include <algorithm>
#include <array>
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

#include <mics/detail/fold.hpp>
#include <mics/types.hpp>

using namespace mics;

namespace {

constexpr std::array<std::size_t, 10> counts{0, 1, 2, 3, 7, 63, 64, 65, 1000, 4099};
constexpr std::array reductions{reduction::sum, reduction::avg, reduction::min, reduction::max, reduction::prod};
constexpr std::size_t most_sources = 17;

template <class T> using compute = std::conditional_t<sizeof(T) == 2 && !std::is_integral_v<T>, float, T>;

/// Ordinary numbers near 1 with some NaN, infinities, zeros of both signs and subnormals; integers of any bits.
template <class T> T element(std::uint64_t seed) {
  const std::uint64_t bits = test::spread(seed);
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(bits);
  } else {
    using limits = std::numeric_limits<float>;
    constexpr float special[] = {0.0f,     -0.0f,   limits::infinity(), -limits::infinity(), limits::quiet_NaN(),
                                 0x1p-20f, 60000.0f};
    if (bits % 64 == 0) return static_cast<T>(special[bits / 64 % std::size(special)]);
    return static_cast<T>(static_cast<float>(bits % 4001) / 1000.0f - 2.0f);
  }
}

/// One step of a reduction, as its definition says it.
template <class C> C step(reduction how, C a, C b) {
  if constexpr (std::is_integral_v<C>) {
    const auto x = static_cast<std::uint64_t>(a);
    const auto y = static_cast<std::uint64_t>(b);
    if (how == reduction::sum || how == reduction::avg) return static_cast<C>(x + y);
    if (how == reduction::prod) return static_cast<C>(x * y);
  } else {
    if (how == reduction::sum || how == reduction::avg) return a + b;
    if (how == reduction::prod) return a * b;
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<C>::quiet_NaN();
    if (a == b) return std::signbit(a) == (how == reduction::min) ? a : b;
  }
  return how == reduction::min ? std::min(a, b) : std::max(a, b);
}

template <class T>
T expected(reduction how, const std::vector<std::vector<T>>& sources, std::size_t used, std::size_t i, double scale) {
  if (used == 1 && scale == 1.0) return sources[0][i];
  auto value = static_cast<compute<T>>(sources[0][i]);
  for (std::size_t k = 1; k < used; ++k) value = step(how, value, static_cast<compute<T>>(sources[k][i]));
  if (scale != 1.0) value = static_cast<compute<T>>(static_cast<double>(value) * scale);
  return static_cast<T>(value);
}

template <class T> bool is_nan(T value) {
  if constexpr (std::is_integral_v<T>) return false;
  if constexpr (!std::is_integral_v<T>) return std::isnan(static_cast<compute<T>>(value));
}

/// The same bits; which NaN it is depends on the machine, except for min and max.
template <class T> bool same_bits(T a, T b) { return std::memcmp(&a, &b, sizeof a) == 0 || (is_nan(a) && is_nan(b)); }

template <class T> std::vector<std::vector<T>> make_sources(std::size_t count) {
  std::vector<std::vector<T>> sources(most_sources, std::vector<T>(count));
  for (std::size_t k = 0; k < most_sources; ++k) {
    for (std::size_t i = 0; i < count; ++i) sources[k][i] = element<T>(k * 10'007 + i);
  }
  return sources;
}

/// Copies of the sources that start `skew` bytes beside an alignment of 16, each followed by bytes that must stay.
template <class T> class buffers {
 public:
  buffers(const std::vector<std::vector<T>>& sources, std::size_t count, std::size_t skew)
      : count_(count), skew_(skew) {
    for (const auto& source : sources) {
      std::byte* const copy = add();
      if (count > 0) std::memcpy(copy, source.data(), count * sizeof(T));
      pointers.push_back(at(pointers.size()));
    }
    destination = add();
  }
  [[nodiscard]] T result(const std::byte* buffer, std::size_t i) const {
    T value;
    std::memcpy(&value, buffer + i * sizeof(T), sizeof value);
    return value;
  }
  [[nodiscard]] bool guards_intact() const {
    return std::all_of(memory_.begin(), memory_.end(), [this](const auto& buffer) {
      const std::byte* end = reinterpret_cast<const std::byte*>(buffer.data()) + skew_ + count_ * sizeof(T);
      return std::all_of(end, end + 32, [](std::byte b) { return b == std::byte{0xa5}; });
    });
  }
  [[nodiscard]] std::byte* at(std::size_t k) { return reinterpret_cast<std::byte*>(memory_[k].data()) + skew_; }

  std::vector<const std::byte*> pointers;
  std::byte* destination = nullptr;

 private:
  struct alignas(16) line {
    std::byte bytes[16];
  };
  std::byte* add() {
    const std::size_t bytes = skew_ + count_ * sizeof(T) + 32;
    memory_.emplace_back((bytes + 15) / 16);
    std::memset(memory_.back().data(), 0xa5, memory_.back().size() * sizeof(line));
    return at(memory_.size() - 1);
  }
  std::size_t count_;
  std::size_t skew_;
  std::vector<std::vector<line>> memory_;
};

template <class T>
int wrong_elements(reduction how, std::size_t used, std::size_t count, const std::vector<std::vector<T>>& sources,
                   double scale = 1.0, std::size_t skew = 0) {
  buffers<T> memory({sources.begin(), sources.begin() + static_cast<std::ptrdiff_t>(used)}, count, skew);
  detail::fold(data_type_of<T>, how, memory.destination, memory.pointers, count, scale);
  int wrong = memory.guards_intact() ? 0 : 1;
  for (std::size_t i = 0; i < count; ++i) {
    if (!same_bits(memory.result(memory.destination, i), expected(how, sources, used, i, scale))) ++wrong;
  }
  return wrong;
}

#define EVERY_TYPE                                                                                                  \
  std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, \
      float16, bfloat16, float, double

template <class T> T fold_one(reduction how, std::vector<T> values) {
  std::vector<const std::byte*> sources;
  for (const T& value : values) sources.push_back(reinterpret_cast<const std::byte*>(&value));
  T result;
  detail::fold(data_type_of<T>, how, reinterpret_cast<std::byte*>(&result), sources, 1);
  return result;
}

template <class T> std::uint64_t bits_of(T value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

}  // namespace

TEST_CASE_TEMPLATE("every reduction of 1 to 17 sources gives what its definition says", T, EVERY_TYPE) {
  for (const std::size_t count : counts) {
    const auto sources = make_sources<T>(count);
    for (const reduction how : reductions) {
      for (std::size_t used = 1; used <= most_sources; ++used) {
        INFO(name_of(how), " of ", used, " x ", count);
        CHECK(wrong_elements<T>(how, used, count, sources, 1.0, 0) == 0);
        if (used <= 5) CHECK(wrong_elements<T>(how, used, count, sources, 1.0, used) == 0);
      }
    }
  }
}

TEST_CASE_TEMPLATE("every short count is reduced, and nothing behind it", T, EVERY_TYPE) {
  for (std::size_t count = 0; count <= 150; ++count) {
    const auto sources = make_sources<T>(count);
    INFO(count);
    CHECK(wrong_elements<T>(reduction::sum, 3, count, sources, 1.0, 1) == 0);
    CHECK(wrong_elements<T>(reduction::max, 2, count, sources) == 0);
  }
}

TEST_CASE_TEMPLATE("the destination may be exactly one of the sources", T, EVERY_TYPE) {
  for (const std::size_t count : {1u, 65u, 1000u}) {
    const auto sources = make_sources<T>(count);
    for (const std::size_t used : {1u, 2u, 5u, 17u}) {
      for (std::size_t alias = 0; alias < used; ++alias) {
        for (const reduction how : {reduction::sum, reduction::min}) {
          buffers<T> memory({sources.begin(), sources.begin() + static_cast<std::ptrdiff_t>(used)}, count, 0);
          detail::fold(data_type_of<T>, how, memory.at(alias), memory.pointers, count);
          int wrong = 0;
          for (std::size_t i = 0; i < count; ++i) {
            wrong += same_bits(memory.result(memory.at(alias), i), expected(how, sources, used, i, 1.0)) ? 0 : 1;
            for (std::size_t k = 0; k < used; ++k) {
              if (k != alias) wrong += same_bits(memory.result(memory.at(k), i), sources[k][i]) ? 0 : 1;
            }
          }
          INFO(name_of(how), " of ", used, " x ", count, " into source ", alias);
          CHECK(wrong == 0);
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("the scale multiplies once, at the end", T, float16, bfloat16, float, double) {
  for (const std::size_t count : counts) {
    const auto sources = make_sources<T>(count);
    for (std::size_t used = 1; used <= most_sources; ++used) {
      INFO(used, " x ", count);
      CHECK(wrong_elements<T>(reduction::avg, used, count, sources, 1.0 / static_cast<double>(used)) == 0);
      CHECK(wrong_elements<T>(reduction::max, used, count, sources, -0.3) == 0);
    }
  }
}

TEST_CASE("a float32 average is the correctly rounded quotient") {
  for (int n = 2; n <= 4096; n = n < 300 ? n + 1 : n * 2 - 1) {
    std::vector<float> sums(1000);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] = std::bit_cast<float>(0x3f800000u | static_cast<std::uint32_t>(test::spread(i) & 0x7fffff));
    }
    const std::vector<const std::byte*> source{reinterpret_cast<const std::byte*>(sums.data())};
    std::vector<float> averages(sums.size());
    detail::fold(data_type::float32, reduction::avg, reinterpret_cast<std::byte*>(averages.data()), source, sums.size(),
                 1.0 / n);
    int wrong = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) wrong += averages[i] == sums[i] / static_cast<float>(n) ? 0 : 1;
    INFO(n);
    CHECK(wrong == 0);
  }
}

TEST_CASE("sources are taken from left to right, and 16-bit floats round once") {
  CHECK(fold_one<float>(reduction::sum, {1e30f, -1e30f, 1.0f}) == 1.0f);
  CHECK(fold_one<float>(reduction::sum, {1e30f, 1.0f, -1e30f}) == 0.0f);
  CHECK(fold_one<double>(reduction::prod, {1e300, 1e300, 1e-300}) == std::numeric_limits<double>::infinity());
  const float16 one(1.0f);
  const float16 bit(0x1p-11f);  // half a unit of 1: lost twice if every step rounded
  CHECK(fold_one<float16>(reduction::sum, {one, bit, bit}) == 1.0f + 0x1p-10f);
  CHECK(fold_one<float16>(reduction::sum, {float16(60000.0f), float16(60000.0f), float16(-60000.0f)}) ==
        60000.0f - 0.0f);
}

TEST_CASE("integers wrap around") {
  CHECK(fold_one<std::int8_t>(reduction::sum, {127, 1}) == -128);
  CHECK(fold_one<std::int32_t>(reduction::sum, {std::numeric_limits<std::int32_t>::max(), 1}) ==
        std::numeric_limits<std::int32_t>::min());
  CHECK(fold_one<std::uint16_t>(reduction::prod, {65535, 65535}) == 1);
  CHECK(fold_one<std::int64_t>(reduction::prod, {std::numeric_limits<std::int64_t>::min(), -1}) ==
        std::numeric_limits<std::int64_t>::min());
  CHECK(fold_one<std::int8_t>(reduction::min, {-1, 1}) == -1);
  CHECK(fold_one<std::uint8_t>(reduction::max, {255, 1}) == 255);
}

TEST_CASE_TEMPLATE("min and max do not depend on the order of the sources", T, float16, bfloat16, float, double) {
  const auto number = [](float value) { return static_cast<T>(value); };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(bits_of(fold_one<T>(reduction::min, {number(0.0f), number(-0.0f)})) == bits_of(number(-0.0f)));
  CHECK(bits_of(fold_one<T>(reduction::min, {number(-0.0f), number(0.0f)})) == bits_of(number(-0.0f)));
  CHECK(bits_of(fold_one<T>(reduction::max, {number(0.0f), number(-0.0f)})) == bits_of(number(0.0f)));
  CHECK(bits_of(fold_one<T>(reduction::max, {number(-0.0f), number(0.0f)})) == bits_of(number(0.0f)));

  constexpr std::uint64_t all_ones = ~std::uint64_t{0} >> (64 - 8 * sizeof(T));
  std::vector<float> values{-nan, 1.0f, std::numeric_limits<float>::infinity(), nan};
  std::sort(values.begin(), values.end(), [](float a, float b) { return bits_of(a) < bits_of(b); });
  do {
    std::vector<T> elements;
    for (const float value : values) elements.push_back(number(value));
    CHECK(bits_of(fold_one<T>(reduction::min, elements)) == all_ones);
    CHECK(bits_of(fold_one<T>(reduction::max, elements)) == all_ones);
  } while (
      std::next_permutation(values.begin(), values.end(), [](float a, float b) { return bits_of(a) < bits_of(b); }));
}

TEST_CASE("a reduction of nothing takes null pointers") {
  const std::vector<const std::byte*> sources(3, nullptr);
  for (int type = 0; type < data_type_count; ++type) {
    for (const reduction how : reductions) detail::fold(static_cast<data_type>(type), how, nullptr, sources, 0);
  }
}

TEST_CASE("what cannot be reduced is refused before anything is written") {
  int value = 7;
  auto* to = reinterpret_cast<std::byte*>(&value);
  const std::vector<const std::byte*> sources(2, to);
  CHECK_THROWS_WITH_AS(detail::fold(data_type::int32, reduction::avg, to, sources, 1, 0.5),
                       "avg of int32 cannot be scaled by 0.500000; only floating types can", usage_error);
  CHECK_THROWS_WITH_AS(detail::fold(data_type::int32, reduction::sum, to, {}, 1),
                       "a reduction needs at least one source, 0 were given", usage_error);
  CHECK_THROWS_AS(detail::fold(static_cast<data_type>(99), reduction::sum, to, sources, 1), usage_error);
  CHECK_THROWS_AS(detail::fold(data_type::int32, static_cast<reduction>(9), to, sources, 1), usage_error);
  CHECK_THROWS_AS(detail::fold(data_type::float8_e4m3, reduction::max, to, sources, 1), usage_error);
  CHECK(value == 7);
}
