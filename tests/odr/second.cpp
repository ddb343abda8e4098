#include "facts.hpp"

facts seen_by_second() {
  return {MICS_VERSION, &typeid(mics::usage_error), mics::usage_error("told", {.rank = 3}).what()};
}
