#include <mics/error.hpp>

#include "../transports.hpp"

namespace perf {

int over_libfabric(const options&, const context&) {
  throw mics::usage_error("--transport libfabric was asked for, but this program was built without libfabric");
}

}  // namespace perf
