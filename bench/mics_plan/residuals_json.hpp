#pragma once

#include <string>
#include <vector>

#include <mics/model/calibration.hpp>

#include "measurements.hpp"
#include "train_check.hpp"

namespace plan_tool {

/// Writes every collective and every way of training, measured and predicted, as {"context": ..., "rows": [...],
/// "steps": [...]}. Throws std::runtime_error where the file cannot be written.
void write_json(const std::string& path, const measurements& read, const std::vector<mics::model::residual>& fitted,
                const training_check& steps);

}  // namespace plan_tool
