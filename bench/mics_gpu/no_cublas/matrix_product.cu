#include <cuda_bf16.h>

#include <mics/transport/nccl/native/result.hpp>

#include "../matrix_fill.hpp"
#include "../matrix_product.hpp"

namespace gpu {
namespace {

constexpr int tile = 32;

/// A block computes a tile of C from tiles of A and B that it shares.
__global__ void multiply(int n, const __nv_bfloat16* a, const __nv_bfloat16* b, __nv_bfloat16* c) {
  __shared__ float rows[tile][tile], columns[tile][tile];
  const int row = blockIdx.y * tile + threadIdx.y, column = blockIdx.x * tile + threadIdx.x;
  const auto at = [n](int r, int k) { return static_cast<std::size_t>(r) * n + k; };
  float sum = 0;
  for (int first = 0; first < n; first += tile) {
    const int k = first + threadIdx.x, l = first + threadIdx.y;
    rows[threadIdx.y][threadIdx.x] = row < n && k < n ? __bfloat162float(a[at(row, k)]) : 0.0f;
    columns[threadIdx.y][threadIdx.x] = l < n && column < n ? __bfloat162float(b[at(l, column)]) : 0.0f;
    __syncthreads();
    for (int i = 0; i < tile; ++i) sum += rows[threadIdx.y][i] * columns[i][threadIdx.x];
    __syncthreads();
  }
  if (row < n && column < n) c[at(row, column)] = __float2bfloat16_rn(sum);
}

}  // namespace

struct matrix_product::library {};

matrix_product::matrix_product(int n)
    : n_(n),
      a_(filled_matrix(1, bytes() / 2)),
      b_(filled_matrix(2, bytes() / 2)),
      c_(mics::nccl::allocate_device(bytes())) {}
matrix_product::~matrix_product() = default;

void matrix_product::enqueue(cudaStream_t stream) const {
  const auto blocks = static_cast<unsigned>((n_ + tile - 1) / tile);
  const auto matrix = [](const mics::nccl::device_bytes& of) { return reinterpret_cast<__nv_bfloat16*>(of.get()); };
  multiply<<<dim3(blocks, blocks), dim3(tile, tile), 0, stream>>>(n_, matrix(a_), matrix(b_), matrix(c_));
  mics::nccl::check(cudaGetLastError(), "the matrix product");
}

const char* matrix_product::computed_by() { return "a plain kernel"; }

}  // namespace gpu
