#pragma once

#include <string>
#include <vector>

#include "row.hpp"

namespace perf {

/// One row as a JSON object, null where a figure does not apply.
std::string to_json(const row& r);

/// Writes {"context": {...}, "rows": [...]}, one row a line; throws std::runtime_error when the file cannot be written.
void write_json(const std::string& path, const context& facts, const std::vector<row>& rows);

}  // namespace perf
