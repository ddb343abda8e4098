// Compiled once: all types times all forms of all collectives.

#include "gpu_check.hpp"

#include "../support/gpu/device_check.hpp"

namespace mics::test {

void check_on_gpu(const nccl::communicator_ref& group, const rank_range& ranks, cudaStream_t stream,
                  const collective_case& c) {
  const std::string wrong = device_check(group, ranks, stream).run(c);
  if (!wrong.empty()) throw std::logic_error(wrong);
}

std::vector<gpu_algorithm> gpu_algorithms(operation what, bool staged) {
  using enum algorithm;
  std::vector<gpu_algorithm> all{{automatic}, {native}};
  if (!staged || what == operation::barrier) return all;
  all.push_back({hierarchical, direct});
  all.push_back({hierarchical, direct, 5});
  if (what == operation::broadcast) return all;
  all.push_back({hierarchical, native});
  if (what == operation::all_gather) all.push_back({hierarchical, native, 3});  // in pieces sums have one rail stage
  return all;
}

}  // namespace mics::test
