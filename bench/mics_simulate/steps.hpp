#pragma once

#include "options.hpp"

namespace simulate {

/// Simulates one step with every chosen strategy; prints a row each, and writes them where --json says.
void print_steps(const options& chosen);

/// Prints every machine with its constants.
void print_machines();

}  // namespace simulate
