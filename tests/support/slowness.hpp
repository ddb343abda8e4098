#pragma once

#include <chrono>
#include <cstdlib>
#include <string>

namespace mics::test {

/// How long one test case may take: what MICS_TEST_SECONDS says. The longest, which mostly waits, needs a fifth of the
/// default where the machine has nothing else to do. Sanitizers slow a test down, so their presets set it higher.
inline std::chrono::seconds case_limit() {
  const char* const given = std::getenv("MICS_TEST_SECONDS");
  return std::chrono::seconds(given == nullptr ? 250 : std::stol(given));
}

/// A time that something may take, where it may take longer in proportion.
inline std::chrono::milliseconds stretched(std::chrono::milliseconds usual) {
  return usual * (case_limit() / std::chrono::seconds(1)) / 100;
}

}  // namespace mics::test
