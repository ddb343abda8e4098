#pragma once

#include <map>
#include <optional>
#include <string>

#include <mics/bootstrap/environment.hpp>

namespace mics::test {

using variables = std::map<std::string, std::string>;

inline bootstrap::environment read(const variables& set) {
  return bootstrap::read_environment([&set](const char* name) -> std::optional<std::string> {
    const auto found = set.find(name);
    return found == set.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
}

/// The message of the usage_error that reading these variables throws; "" when it throws none.
inline std::string refusal_of(const variables& set) {
  try {
    read(set);
  } catch (const usage_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace mics::test
