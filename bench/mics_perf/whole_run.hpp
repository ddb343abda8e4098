#pragma once

#include <cstdio>

#include "goals.hpp"
#include "json.hpp"
#include "launcher.hpp"
#include "options.hpp"
#include "report.hpp"
#include "run.hpp"
#include "transports.hpp"

namespace perf {

/// The head of the output: everything that a reader of the table must know.
inline void print_context(const options& chosen, const context& facts) {
  for (const auto& [name, value] : facts) std::printf("# %s: %s\n", name.c_str(), value.c_str());
  std::printf("# %d nodes of %d ranks, %s groups of %d\n", chosen.nodes, chosen.node_size,
              chosen.replication ? "replication" : "partition", chosen.group_size());
}

/// The end of it: comparisons, the file of rows, the count of wrong elements.
inline int conclude(const options& chosen, const context& facts, const report& result) {
  if (chosen.baseline) print_goals(result.rows());
  if (!chosen.json.empty()) write_json(chosen.json, facts, result.rows());
  if (!chosen.check) return fine;
  std::printf("#\n# wrong elements: %llu\n", static_cast<unsigned long long>(result.wrong()));
  return result.wrong() == 0 ? fine : wrong_elements_found;
}

}  // namespace perf
