// The library's own kernels: all other sources that use it are plain C++.
#include <mics/transport/nccl/kernels.cuh>
