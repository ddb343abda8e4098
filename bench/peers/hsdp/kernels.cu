// The few kernels that gradient_sync needs: compiled by nvcc, found by the library's host code.
#include <mics/transport/nccl/kernels.cuh>
