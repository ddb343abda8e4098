#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "exchange.hpp"

namespace perf {

/// One column of a measurement: a collective done one way, or a baseline.
struct contender {
  std::string algo;
  std::string plan;
  exchange call;
  std::function<void()> work;
  bool collective = true;  ///< false for baselines: nothing to check, nothing crosses a border
  std::optional<std::uint64_t> wrong{};
  std::optional<std::uint64_t> node_in{};
};

}  // namespace perf
