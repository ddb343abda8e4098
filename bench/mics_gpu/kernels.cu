// The library's kernels, which its host code finds by itself: gradients are added up with them.
#include <mics/transport/nccl/kernels.cuh>
