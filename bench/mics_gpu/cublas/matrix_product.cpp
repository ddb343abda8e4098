#include "../matrix_product.hpp"

#include <string>

#include <cublas_v2.h>

#include <mics/error.hpp>

#include "../matrix_fill.hpp"

namespace gpu {
namespace {

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw mics::transport_error(std::string(call) + " failed", {.native = cublasGetStatusString(status)});
}

}  // namespace

struct matrix_product::library {
  library() { check(cublasCreate(&handle), "cublasCreate"); }
  ~library() { cublasDestroy(handle); }
  library(const library&) = delete;
  library& operator=(const library&) = delete;

  cublasHandle_t handle = nullptr;
};

matrix_product::matrix_product(int n)
    : n_(n),
      a_(filled_matrix(1, bytes() / 2)),
      b_(filled_matrix(2, bytes() / 2)),
      c_(mics::nccl::allocate_device(bytes())),
      library_(std::make_unique<library>()) {}
matrix_product::~matrix_product() = default;

void matrix_product::enqueue(cudaStream_t stream) const {
  check(cublasSetStream(library_->handle, stream), "cublasSetStream");
  const float one = 1, zero = 0;
  // cuBLAS counts by columns: the transposes in the other order give the product row by row.
  check(cublasGemmEx(library_->handle, CUBLAS_OP_N, CUBLAS_OP_N, n_, n_, n_, &one, b_.get(), CUDA_R_16BF, n_, a_.get(),
                     CUDA_R_16BF, n_, &zero, c_.get(), CUDA_R_16BF, n_, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
        "cublasGemmEx");
}

const char* matrix_product::computed_by() { return "cuBLAS"; }

}  // namespace gpu
