// The library's kernels, which its host code finds by itself: without them it has fewer forms to measure.
#include <mics/transport/nccl/kernels.cuh>
