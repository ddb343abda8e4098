#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <mics/error.hpp>

/// The sentences of wrong layouts, apart from the arithmetic: none of this runs unless something throws.
namespace mics::detail {

/// Byte counts of 8-byte elements must fit a signed size, for spans and pointer differences to work.
inline constexpr std::size_t most_elements = std::numeric_limits<std::ptrdiff_t>::max() / 8;

/// A negative count that became unsigned on its way is shown as its author wrote it.
inline std::string as_written(std::size_t count) {
  const auto negative = static_cast<std::ptrdiff_t>(count);
  return negative < 0 ? std::to_string(negative) : std::to_string(count);
}

[[noreturn]] inline void refuse_shards(int given) {
  throw usage_error("a layout of " + std::to_string(given) + " shards is not possible; allowed: 1 or more");
}

[[noreturn]] inline void refuse_alignment(std::size_t given) {
  throw usage_error("an alignment of " + as_written(given) + " elements is not possible; allowed: 1 to " +
                    std::to_string(most_elements));
}

[[noreturn]] inline void refuse_tensor(std::size_t tensor, std::size_t given) {
  throw usage_error("tensor " + std::to_string(tensor) + " has " + as_written(given) + " elements; allowed: 0 to " +
                    std::to_string(most_elements));
}

[[noreturn]] inline void refuse_overflow() {
  throw usage_error("the tensors and their padding need more elements than one flat buffer can have; allowed: " +
                    std::to_string(most_elements) + " in all");
}

[[noreturn]] inline void refuse_index(const char* what, std::int64_t given, std::size_t count) {
  throw usage_error(std::string(what) + " " + std::to_string(given) + " does not exist; " +
                    (count == 0 ? "the layout has none" : "allowed: 0 to " + std::to_string(count - 1)));
}

[[noreturn]] inline void refuse_length(const std::string& what, std::size_t given, std::size_t wanted,
                                       error_context where = {}) {
  throw usage_error(what + " has " + std::to_string(given) + " elements; allowed: exactly " + std::to_string(wanted),
                    std::move(where));
}

[[noreturn]] inline void refuse_tensors(std::size_t given, std::size_t wanted) {
  throw usage_error(std::to_string(given) + " tensors were given; allowed: exactly the layout's " +
                    std::to_string(wanted));
}

[[noreturn]] inline void refuse_null(const std::string& what, std::size_t elements, error_context where = {}) {
  throw usage_error(what + " is a null pointer; allowed: the address of " + std::to_string(elements) + " elements",
                    std::move(where));
}

}  // namespace mics::detail
