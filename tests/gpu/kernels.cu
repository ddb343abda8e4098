// The library's kernels, for the tests that need them.

#include <mics/transport/nccl/kernels.cuh>
