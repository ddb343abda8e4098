// Links NCCL and CUDA's runtime by way of the component alone; it runs where there is no GPU too.

#include <cstdio>

#include <mics/mics.hpp>
#include <mics/transport/nccl.hpp>

static_assert(mics::native_communicator<mics::nccl::communicator_ref>);

int main() {
  int version = 0;
  mics::nccl::check(ncclGetVersion(&version), "ncclGetVersion");
  std::printf("mics over NCCL %d\n", version);
}
