#include <mics/error.hpp>

#include "peer.hpp"

namespace perf {

std::function<void()> peer_call(const exchange&) {
  throw mics::usage_error(
      "--algo peer was asked for, but this program is linked with no other library: see bench/peers");
}

}  // namespace perf
