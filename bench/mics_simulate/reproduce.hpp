#pragma once

#include <string>

#include "calibration.hpp"

namespace simulate {

/// Prints every published figure beside its simulation, and every constant with its label and source.
/// Writes the same to `json` unless it is empty. Returns whether all figures are within their bands.
bool reproduce(const calibration& constants, const std::string& json);

}  // namespace simulate
