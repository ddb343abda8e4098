// The library's kernels in a second source of the same program, which links.

#include <mics/transport/nccl/kernels.cuh>
