#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include <mics/error.hpp>

namespace mics::bootstrap::detail {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;

/// Longer waits than this end here too, so that no sum of times overflows.
inline constexpr std::chrono::milliseconds longest_wait = std::chrono::hours(24 * 365);

/// How much longer than the agreed deadline a rank waits for rank 0's verdict, which names the culprits.
inline constexpr std::chrono::milliseconds verdict_grace{2'000};

inline std::chrono::milliseconds checked_timeout(std::chrono::milliseconds given) {
  if (given.count() < 1) {
    throw usage_error("a timeout of " + std::to_string(given.count()) + " ms; it must be at least 1");
  }
  return std::min(given, longest_wait);
}

/// What is left until `end`, never below zero, rounded up: a wait of it does not end early.
inline std::chrono::milliseconds remaining(time_point end) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(end - clock::now()), std::chrono::milliseconds(0));
}

/// The argument of poll() for a wait until `end`.
inline int poll_milliseconds(time_point end) {
  return static_cast<int>(std::min(remaining(end), std::chrono::milliseconds(60'000)).count());
}

/// "30 s", "250 ms".
inline std::string in_words(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

}  // namespace mics::bootstrap::detail
