#include <cstdio>

#include "facts.hpp"

int main() {
  const facts here{MICS_VERSION, &typeid(mics::usage_error), mics::usage_error("told", {.rank = 3}).what()};
  const facts there = seen_by_second();
  if (here.version == there.version && *here.error_type == *there.error_type && here.message == there.message) return 0;
  std::puts("two translation units disagree about the library");
  return 1;
}
