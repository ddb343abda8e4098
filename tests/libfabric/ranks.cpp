// Compiled once: all types times all forms of all collectives.

#include "ranks.hpp"

#include "../support/collective_check.hpp"

namespace mics::test {

void check_collective(const libfabric::communicator_ref& group, const rank_range& ranks, libfabric::stream& stream,
                      const collective_case& c) {
  const std::string wrong = collective_check(group, ranks, stream).run(c);
  if (!wrong.empty()) throw std::runtime_error(wrong);
}

}  // namespace mics::test
