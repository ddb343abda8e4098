#pragma once

#include <string>
#include <vector>

#include <mics/model/calibration.hpp>

#include "measurements.hpp"
#include "train_check.hpp"

namespace plan_tool {

/// Writes every collective and every step of every training, measured and predicted, as {"context": ..., "rows": [...],
/// "steps": [...]}. Throws std::runtime_error where the file cannot be written.
void write_json(const std::string& path, const measurements& read, const std::vector<mics::model::residual>& fitted,
                const std::vector<training_check>& trainings);

}  // namespace plan_tool
