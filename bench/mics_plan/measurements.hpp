#pragma once

#include <string>
#include <vector>

#include <mics/model/calibration.hpp>

namespace plan_tool {

/// The collectives of files of mics_perf.
struct measurements {
  std::vector<mics::model::sample> samples{};
  std::string about{};       ///< of each file: processor, load, date
  std::string type{};        ///< rows of other element types are left out
  std::size_t left_out = 0;  ///< rows of other types and reductions
};

/// Reads {"context": {...}, "rows": [...]}. from each file. Throws std::invalid_argument naming the file, the row, the
/// field, its value and what is allowed.
measurements read_measurements(const std::vector<std::string>& paths);

}  // namespace plan_tool
