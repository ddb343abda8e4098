#pragma once

#include <stdexcept>
#include <string>
#include <typeinfo>

#include "everything.hpp"

/// What one translation unit sees; both must see the same.
struct facts {
  int version;
  const std::type_info* error_type;
  std::string message;
};

facts seen_by_second();
