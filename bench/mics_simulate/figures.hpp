#pragma once

#include <functional>
#include <string>
#include <vector>

#include "calibration.hpp"

namespace simulate {

/// A published number, and how to simulate it.
struct figure {
  std::string name;
  std::string unit;
  double published = 0;
  std::string source;
  std::vector<std::string> constants;  ///< fitted to it, names of the calibration; empty: it is predicted
  bool is_input = false;               ///< the model was given this measurement; neither fitted nor predicted
  bool in_points = false;              ///< its error is a difference of percentages, not a relative one
  double fitted_band = 0;              ///< allowed error in % or points; 0: none was set
  double lowest = 0, highest = 0;      ///< allowed values when predicted
  std::string remark;
  std::function<double(const calibration&)> simulate;

  [[nodiscard]] bool fitted() const noexcept { return !constants.empty(); }
  /// In % or points.
  [[nodiscard]] double error_of(double simulated) const noexcept {
    return in_points ? simulated - published : 100 * (simulated / published - 1);
  }
  /// Where a constant was fitted to the figure its own band counts, else that of predictions.
  [[nodiscard]] bool within_band(double simulated, bool as_fitted) const noexcept;
};

/// Every figure, in the order of the table.
std::vector<figure> figures();

/// The constants that are fitted to several p4d figures together; all others belong to one figure.
const std::vector<std::string>& shared_constants();

}  // namespace simulate
