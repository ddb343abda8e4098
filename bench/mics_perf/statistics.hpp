#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace perf {

/// Small calls are repeated inside a sample, so that the clock and the start of a sample weigh little.
constexpr int repeats_for(std::size_t bytes) {
  return static_cast<int>(std::clamp<std::size_t>((std::size_t{256} << 10) / std::max<std::size_t>(bytes, 1), 1, 16));
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace perf
