#pragma once

#include "options.hpp"
#include "row.hpp"

namespace perf {

enum exit_code : int { fine = 0, wrong_elements_found = 1, failed = 3 };

/// Measure what was asked for over one transport, print it and write it; they return the program's exit code.
int over_threads(const options& chosen, const context& facts);

/// One process a rank. Throws mics::usage_error where this program was built without NCCL.
int over_nccl(const options& chosen, const context& facts);

/// One process a rank, started by a launcher or forked here. Throws mics::usage_error where this program was built
/// without libfabric.
int over_libfabric(const options& chosen, const context& facts);

}  // namespace perf
