#pragma once

#include <string>

namespace mics::bootstrap {

/// A rank that failed, and what was seen of it.
struct rank_failure {
  int rank = -1;
  std::string why{};
};

}  // namespace mics::bootstrap
