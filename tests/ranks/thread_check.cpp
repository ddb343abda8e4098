// Compiled once: all types times all forms of all collectives.

#include "thread_check.hpp"

#include "../support/collective_check.hpp"

namespace mics::test {

std::string check_collective(const thread::communicator_ref& group, const rank_range& ranks, thread::stream& stream,
                             const collective_case& c) {
  return collective_check(group, ranks, stream).run(c);
}

}  // namespace mics::test
