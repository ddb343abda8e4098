#pragma once

#include <mics/algorithms/bruck.hpp>
#include <mics/algorithms/direct.hpp>
#include <mics/algorithms/halving.hpp>
#include <mics/algorithms/ring.hpp>
#include <mics/algorithms/team.hpp>
#include <mics/options.hpp>

namespace mics::algorithms {

/// The flat all-gather of a team by the algorithm asked for. `own` is where the member's own block lies.
inline void all_gather(builder& b, const team& t, place own, algorithm how) {
  switch (how) {
    case algorithm::ring:
      return ring_all_gather(b, t, own);
    case algorithm::bruck:
      return bruck_all_gather(b, t);
    default:
      return direct_all_gather(b, t, own);
  }
}

/// The flat reduce-scatter of a team by the algorithm asked for, with its partial sums in temporary memory.
/// `last`: the final scale belongs here.
inline void reduce_scatter(builder& b, const team& t, block_source from, place into, algorithm how, bool last) {
  switch (how) {
    case algorithm::ring: {
      // Two slots would do if sums could be overwritten once read; one a step keeps neighbours from waiting.
      const auto travelling = [&](int member) { return schedule::scratch(b.reserve(1), t.block(member)); };
      return ring_reduce_scatter(b, t, from, into, travelling, last);
    }
    case algorithm::halving:
      return halving_reduce_scatter(b, t, into, last);
    default:
      return direct_reduce_scatter(b, t, from, into, last);
  }
}

}  // namespace mics::algorithms
