#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <mics/types.hpp>

#include "random.hpp"

namespace mics::test {

/// The relative error of one rounding.
template <class T>
constexpr double unit = std::is_same_v<T, double>     ? 0x1p-53
                        : std::is_same_v<T, float>    ? 0x1p-24
                        : std::is_same_v<T, bfloat16> ? 0x1p-8
                                                      : 0x1p-11;

/// What a rank brings: normal numbers of T between 1 and 2, so that errors are not hidden by subnormals or by
/// cancellation.
template <class T> std::vector<T> values_between_1_and_2(int rank, std::size_t elements) {
  std::vector<T> values(elements);
  dice random(static_cast<std::uint64_t>(rank) + 99);
  for (T& v : values) {
    const double value = 1.0 + static_cast<double>(random.roll(std::size_t{1} << 52)) * 0x1p-52;
    if constexpr (sizeof(T) == 2) {
      v = T(static_cast<float>(value));
    } else {
      v = static_cast<T>(value);
    }
  }
  return values;
}

/// Largest relative error of a sum or mean of what so many ranks bring.
template <class T> double worst_error(const std::vector<T>& got, int ranks, reduction reduce) {
  std::vector<long double> exact(got.size());
  for (int rank = 0; rank < ranks; ++rank) {
    const auto values = values_between_1_and_2<T>(rank, got.size());
    for (std::size_t i = 0; i < got.size(); ++i) exact[i] += static_cast<long double>(values[i]);
  }
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const long double wanted = reduce == reduction::avg ? exact[i] / ranks : exact[i];
    worst = std::max(worst, static_cast<double>(std::fabs((static_cast<long double>(got[i]) - wanted) / wanted)));
  }
  return worst;
}

}  // namespace mics::test
