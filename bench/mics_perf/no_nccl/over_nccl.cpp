#include <mics/error.hpp>

#include "../transports.hpp"

namespace perf {

int over_nccl(const options&, const context&) {
  throw mics::usage_error("--transport nccl was asked for, but this program was built without NCCL and CUDA");
}

}  // namespace perf
