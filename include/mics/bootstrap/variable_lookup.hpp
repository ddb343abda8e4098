#pragma once

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

namespace mics::bootstrap {

/// Gives the value of an environment variable; none when it is not set.
using variable_lookup = std::function<std::optional<std::string>(const char* name)>;

/// The variables of this process.
inline std::optional<std::string> process_variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace mics::bootstrap
