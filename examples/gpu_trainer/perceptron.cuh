#pragma once

#include <cstdint>

#include "device.cuh"

/// y = W2 tanh(W1 x + b1) + b2 learns a function of random numbers. All parameters are one flat bf16 buffer:
/// W1 [inputs x hidden], b1 [hidden], W2 [hidden], b2.
struct perceptron {
  static constexpr std::size_t inputs = 256, hidden = 4096, batch = 64;
  static constexpr std::size_t parameters = inputs * hidden + 2 * hidden + 1;

  /// A number in [-1, 1) that depends on all keys.
  __host__ __device__ static float random(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    std::uint64_t x = (a * 0x9e3779b97f4a7c15u + b) * 0xbf58476d1ce4e5b9u + c;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return static_cast<float>((x ^ (x >> 31)) >> 40) * 0x1p-23f - 1.0f;
  }

  __host__ __device__ static float start_value(std::size_t parameter) {
    if (parameter < inputs * hidden) return random(1, 0, parameter) * sqrtf(3.0f / inputs);
    return parameter < (inputs + 1) * hidden ? 0.0f : random(1, 0, parameter) * sqrtf(3.0f / hidden);
  }

  device_array<float> x{inputs * batch}, truth{batch}, activation{hidden * batch}, error{batch}, loss{1};

  /// Draws a micro-batch, computes its gradients, and adds its loss to `loss`.
  void learn(const bf16* weights, bf16* gradients, std::uint64_t step, std::uint64_t sample, cudaStream_t stream);
};

inline void perceptron::learn(const bf16* weights, bf16* gradients, std::uint64_t step, std::uint64_t sample,
                              cudaStream_t stream) {
  const bf16 *const w1 = weights, *const b1 = w1 + inputs * hidden, *const w2 = b1 + hidden, *const b2 = w2 + hidden;
  float *const in = x.data(), *const wanted = truth.data(), *const h = activation.data(), *const e = error.data();
  const auto value = [] __device__(bf16 number) { return __bfloat162float(number); };

  for_each(batch, stream, [=] __device__(std::size_t b) {
    float sum = 0;
    for (std::size_t i = 0; i < inputs; ++i) {
      in[b * inputs + i] = random(step + 2, sample * batch + b, i);
      sum += (i % 2 == 0 ? 1.0f : -1.0f) * in[b * inputs + i];
    }
    wanted[b] = sinf(sum * sqrtf(3.0f / inputs));
  });
  for_each(batch * hidden, stream, [=] __device__(std::size_t at) {
    const std::size_t b = at / hidden, j = at % hidden;
    float sum = value(b1[j]);
    for (std::size_t i = 0; i < inputs; ++i) sum += in[b * inputs + i] * value(w1[i * hidden + j]);
    h[at] = tanhf(sum);
  });
  for_each(32 * batch, stream, [=] __device__(std::size_t at) {  // a warp a sample
    const std::size_t b = at / 32, lane = at % 32;
    float sum = 0;
    for (std::size_t j = lane; j < hidden; j += 32) sum += h[b * hidden + j] * value(w2[j]);
    for (int apart = 16; apart > 0; apart /= 2) sum += __shfl_xor_sync(0xffffffff, sum, apart);
    if (lane == 0) e[b] = sum + value(b2[0]) - wanted[b];
  });
  for_each(1, stream, [=, total = loss.data()] __device__(std::size_t) {
    float sum = 0;
    for (std::size_t b = 0; b < batch; ++b) sum += e[b] * e[b];
    *total += sum / batch;
  });
  for_each(parameters, stream, [=] __device__(std::size_t at) {  // of the mean of e * e
    const std::size_t row = at / hidden, j = at % hidden;        // rows: inputs of W1, then b1, W2, b2
    float sum = 0;
    for (std::size_t b = 0; b < batch; ++b) {
      const float out = h[b * hidden + j];
      const float before = value(w2[j]) * (1.0f - out * out);
      sum += e[b] * (row < inputs        ? before * in[b * inputs + row]
                     : row == inputs     ? before
                     : row == inputs + 1 ? out
                                         : 1.0f);
    }
    gradients[at] = __float2bfloat16(2.0f * sum / batch);
  });
}
