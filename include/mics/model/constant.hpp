#pragma once

#include <string>
#include <string_view>

namespace mics::model {

/// How a constant came to its value.
enum class provenance { measured, published, fitted, assumed };

constexpr std::string_view name_of(provenance how) noexcept {
  switch (how) {
    case provenance::measured:
      return "measured";
    case provenance::published:
      return "published";
    case provenance::fitted:
      return "fitted";
    case provenance::assumed:
      return "assumed";
  }
  return "unknown";
}

/// A number that carries its origin, so that every output can print it.
struct constant {
  double value = 0;
  provenance how = provenance::assumed;
  std::string source{};

  operator double() const noexcept { return value; }  // NOLINT: it is read as a number everywhere
};

}  // namespace mics::model
