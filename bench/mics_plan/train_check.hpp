#pragma once

#include <set>
#include <string>
#include <vector>

#include "measurements.hpp"

namespace plan_tool {

/// A step of one way of training: medians over rounds.
struct step_prediction {
  std::string name;
  int partition = 1;
  double measured_s = 0, predicted_s = 0;
  std::vector<double> errors{};  ///< predicted / measured - 1, a round each

  [[nodiscard]] double median_error() const;
};

struct training_check {
  std::string about;
  std::vector<step_prediction> ways{};
  std::set<std::string> unknown{};  ///< collectives that no row told, predicted from the links
  bool met = true;                  ///< every median error is within the goal of 15 %
};

/// Predicts the step times that `train_lm --json` wrote to `path`: the computing that it measured, and its collectives
/// by the calibration. A network that saves up to `burst_bytes` of its rate while ranks compute lets them pass at once
/// when they next meet, which calls one behind the other, as a benchmark makes them, never see. Throws
/// std::invalid_argument naming the file, the row, the field, its value and what is allowed.
training_check check_training(const measurements& read, const mics::model::calibration& fit, const std::string& path,
                              double burst_bytes);

void print(const training_check& all);

}  // namespace plan_tool
