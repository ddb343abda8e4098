#pragma once

#include <functional>

#include "../exchange.hpp"

namespace perf {

/// The call as the library does it that this program was linked with to be compared: an MPI or Gloo, see bench/peers.
/// Collective over all ranks at its first use. Throws usage_error where there is no such library, or it cannot do this.
std::function<void()> peer_call(const exchange& call);

}  // namespace perf
