#include <stdexcept>
#include <string>

#include "device_math.hpp"
#include "launch.cuh"

namespace train_lm {
namespace {

constexpr auto as_is = CUBLAS_OP_N;
constexpr auto transposed = CUBLAS_OP_T;

void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    throw std::runtime_error(std::string(call) + " failed: " + cublasGetStatusString(status));
  }
}

/// A row-major matrix, which cuBLAS reads as its transpose, column by column.
struct operand {
  const float* data;
  cublasOperation_t how;
  std::size_t columns;
};

/// C [m x n] = A B + factor * C, written down for the transposes: trans(C) = trans(B) trans(A).
void multiply(cublasHandle_t library, operand a, operand b, float factor, float* c, std::size_t m, std::size_t n,
              std::size_t inner) {
  const float one = 1.0f;
  const auto count = [](std::size_t number) { return static_cast<int>(number); };
  check(cublasSgemm(library, b.how, a.how, count(n), count(m), count(inner), &one, b.data, count(b.columns), a.data,
                    count(a.columns), &factor, c, count(n)),
        "cublasSgemm");
}

}  // namespace

void device_math::linear(std::span<const float> weight, std::span<const float> bias, std::span<const float> x,
                         std::span<float> y, std::size_t samples) const {
  const std::size_t features = x.size() / samples;
  kernel::for_each(y.size(), stream_,
                   [=, bias = bias.data(), y = y.data()] __device__(std::size_t at) { y[at] = bias[at / samples]; });
  multiply(products_, {weight.data(), as_is, features}, {x.data(), as_is, samples}, 1.0f, y.data(), bias.size(),
           samples, features);
}

void device_math::linear_gradient(std::span<const float> weight, std::span<const float> x, std::span<const float> dy,
                                  std::span<float> d_weight, std::span<float> d_bias, std::span<float> dx,
                                  std::size_t samples) const {
  const std::size_t features = x.size() / samples, rows = d_bias.size();
  multiply(products_, {dy.data(), as_is, samples}, {x.data(), transposed, samples}, 1.0f, d_weight.data(), rows,
           features, samples);
  kernel::for_each_block(rows, stream_,
                         [=, dy = dy.data(), d_bias = d_bias.data()] __device__(std::size_t row, unsigned thread) {
                           float sum = 0;
                           for (std::size_t b = thread; b < samples; b += kernel::threads) sum += dy[row * samples + b];
                           sum = kernel::join_block(sum, kernel::plus());
                           if (thread == 0) d_bias[row] += sum;
                         });
  multiply(products_, {weight.data(), transposed, features}, {dy.data(), as_is, samples}, 0.0f, dx.data(), features,
           samples, rows);
}

}  // namespace train_lm
