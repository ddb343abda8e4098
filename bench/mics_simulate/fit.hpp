#pragma once

#include <string>
#include <vector>

#include "calibration.hpp"
#include "figures.hpp"

namespace simulate {

/// The calibration with `names` chosen so that the figures fit best: least squares of error / band, from where it is.
calibration fit(calibration start, const std::vector<std::string>& names, const std::vector<const figure*>& to);

/// Everything that may be fitted: the shared constants to their figures, then each own constant to its figure.
calibration fit_all(calibration start);

/// What the model says of a figure when no constant was fitted to it: the shared constants are fitted to the others, an
/// own constant falls back to the p4d fit. NaN where there is nothing to fall back to.
double without(const calibration& constants, const figure& left_out);

}  // namespace simulate
