#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include <mics/error.hpp>

namespace perf {

/// What has come into this node through one of its network interfaces, as the kernel counts it.
class link_counter {
 public:
  /// Empty: nothing is counted.
  explicit link_counter(std::string name) : name_(std::move(name)) {}

  [[nodiscard]] std::optional<std::uint64_t> received() const {
    if (name_.empty()) return std::nullopt;
    std::ifstream table("/proc/self/net/dev");
    for (std::string line; std::getline(table, line);) {
      const auto colon = line.find(':');
      if (colon == std::string::npos) continue;
      const auto begin = line.find_first_not_of(' ');
      if (line.substr(begin, colon - begin) != name_) continue;
      std::uint64_t bytes = 0;
      std::istringstream(line.substr(colon + 1)) >> bytes;
      return bytes;
    }
    throw mics::usage_error("--link is '" + name_ + "', which is no network interface of this node");
  }

 private:
  std::string name_;
};

}  // namespace perf
