#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mics/bootstrap/variable_lookup.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap::detail {

/// A variable that is set, with its name for messages.
template <class T> struct named {
  const char* name = "";
  T value{};
};

[[noreturn]] inline void refuse_variable(const std::string& name, const std::string& value, const std::string& why) {
  throw usage_error("the environment variable " + name + " is \"" + value + "\"; " + why);
}

/// The first of `names` that is set and not empty.
inline std::optional<named<std::string>> text_of(const variable_lookup& look, const std::vector<const char*>& names) {
  for (const char* name : names) {
    const std::optional<std::string> value = look(name);
    if (value && !value->empty()) return named<std::string>{name, *value};
  }
  return std::nullopt;
}

/// The same, as a number from `least` to `most`; anything else throws usage_error.
inline std::optional<named<std::int64_t>> number_of(const variable_lookup& look, const std::vector<const char*>& names,
                                                    std::int64_t least, std::int64_t most) {
  const auto text = text_of(look, names);
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = text->value.data() + text->value.size();
  const auto [stop, code] = std::from_chars(text->value.data(), end, value);
  if (code != std::errc() || stop != end || value < least || value > most) {
    refuse_variable(text->name, text->value,
                    "allowed: a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return named<std::int64_t>{text->name, value};
}

}  // namespace mics::bootstrap::detail
