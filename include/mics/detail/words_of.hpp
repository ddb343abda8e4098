#pragma once

#include <exception>
#include <string>

namespace mics::detail {

/// What an exception says, whatever its type.
inline std::string words_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

}  // namespace mics::detail
