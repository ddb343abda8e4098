#pragma once

#include <string>

#include <mics/transport/thread.hpp>

#include "../support/collective_case.hpp"
#include "../support/geometries.hpp"
#include "../support/random.hpp"

namespace mics::test {

/// Runs a case on one rank of a group whose members are `ranks` of the world, and compares the result with what the
/// collective means; returns what is wrong, in words, or nothing. Collective. See collective_check.
std::string check_collective(const thread::communicator_ref& group, const rank_range& ranks, thread::stream& stream,
                             const collective_case& c);

}  // namespace mics::test
