#pragma once

#include <set>
#include <string>

#include "calibration.hpp"

namespace simulate {

std::set<std::string> series_names();

/// Prints the numbers of one picture: a head line, then rows, tab-separated.
void print_series(const std::string& name, const calibration& constants);

}  // namespace simulate
