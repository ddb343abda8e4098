#pragma once

#include "options.hpp"

namespace plan_tool {

/// Fits the rows of a file, prints links, residuals and the goal; returns the exit code: 1 when the goal was to be
/// checked and is missed. Throws std::invalid_argument for a file that cannot be used.
int calibrate(const options& chosen);

}  // namespace plan_tool
