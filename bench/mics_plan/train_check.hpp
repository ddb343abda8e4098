#pragma once

#include <mics/model/calibration.hpp>

#include "options.hpp"

namespace plan_tool {

/// Trains examples/train_lm in all its ways on the thread transport and compares the step times with predictions from
/// the calibration and from the compute time of one rank alone. Returns whether every one is within the goal of 15 %.
bool check_training(const mics::model::calibration& fit, const training_options& chosen);

}  // namespace plan_tool
