#include <stdexcept>
#include <string>

#include "device_math.hpp"
#include "launch.cuh"

namespace train_lm {

using kernel::for_each;
using kernel::for_each_block;
using kernel::threads;

namespace {

__device__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

template <class T> void copy_to_device(const T* from, T* to, std::size_t elements, cudaStream_t stream) {
  check(cudaMemcpyAsync(to, from, elements * sizeof(T), cudaMemcpyHostToDevice, stream), "cudaMemcpyAsync");
}

}  // namespace

// What lies in pageable memory has been read when cudaMemcpyAsync returns.
void device_math::load(std::span<const float> from, std::span<float> to) const {
  copy_to_device(from.data(), to.data(), to.size(), stream_);
}

void device_math::load(const micro_batch& from, batch& to) const {
  if (to.contexts.size() != from.contexts.size()) {
    to = {device_array<std::uint8_t>(from.contexts.size()), device_array<std::uint8_t>(from.targets.size())};
  }
  copy_to_device(from.contexts.data(), to.contexts.data(), to.contexts.size(), stream_);
  copy_to_device(from.targets.data(), to.targets.data(), to.targets.size(), stream_);
}

double device_math::read(const number& value) const {
  double result = 0;
  check(cudaMemcpyAsync(&result, value.value.data(), sizeof result, cudaMemcpyDeviceToHost, stream_),
        "cudaMemcpyAsync");
  check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  return result;
}

void device_math::fill(std::span<float> to, float value) const {
  for_each(to.size(), stream_, [to = to.data(), value] __device__(std::size_t i) { to[i] = value; });
}

void device_math::copy(std::span<const float> from, std::span<float> to) const {
  check(cudaMemcpyAsync(to.data(), from.data(), from.size_bytes(), cudaMemcpyDeviceToDevice, stream_),
        "cudaMemcpyAsync");
}

void device_math::add(std::span<const float> x, std::span<float> to) const {
  for_each(to.size(), stream_, [x = x.data(), to = to.data()] __device__(std::size_t i) { to[i] += x[i]; });
}

void device_math::clear(number& to) const {
  check(cudaMemsetAsync(to.value.data(), 0, sizeof(double), stream_), "cudaMemsetAsync");
}

void device_math::add(const number& x, number& to) const {
  for_each(1, stream_, [x = x.value.data(), to = to.value.data()] __device__(std::size_t) { *to += *x; });
}

void device_math::silu(std::span<const float> x, std::span<float> y) const {
  for_each(x.size(), stream_, [x = x.data(), y = y.data()] __device__(std::size_t i) { y[i] = x[i] * sigmoid(x[i]); });
}

void device_math::silu_gradient(std::span<const float> x, std::span<float> d) const {
  for_each(x.size(), stream_, [x = x.data(), d = d.data()] __device__(std::size_t i) {
    const float s = sigmoid(x[i]);
    d[i] *= s * (1.0f + x[i] * (1.0f - s));
  });
}

void device_math::normalize(std::span<const float> gain_, std::span<const float> x_, std::span<float> y_,
                            std::span<float> scale_) const {
  const std::size_t width = gain_.size(), samples = scale_.size();
  const float *const gain = gain_.data(), *const x = x_.data();
  float *const y = y_.data(), *const scale = scale_.data();
  for_each_block(samples, stream_, [=] __device__(std::size_t b, unsigned thread) {
    float sum = 0;
    for (std::size_t row = thread; row < width; row += threads) sum += x[row * samples + b] * x[row * samples + b];
    sum = kernel::join_block(sum, kernel::plus());
    const float own = 1.0f / sqrtf(sum / static_cast<float>(width) + norm_epsilon);
    if (thread == 0) scale[b] = own;
    for (std::size_t row = thread; row < width; row += threads) {
      y[row * samples + b] = gain[row] * x[row * samples + b] * own;
    }
  });
}

void device_math::normalize_gradient(std::span<const float> gain_, std::span<const float> x_,
                                     std::span<const float> dy_, std::span<const float> scale_, std::span<float>,
                                     std::span<float> d_gain_, std::span<float> dx_) const {
  const std::size_t width = gain_.size(), samples = scale_.size();
  const float *const gain = gain_.data(), *const x = x_.data(), *const dy = dy_.data(), *const scale = scale_.data();
  float *const d_gain = d_gain_.data(), *const dx = dx_.data();
  for_each_block(width, stream_, [=] __device__(std::size_t row, unsigned thread) {
    float sum = 0;
    for (std::size_t b = thread; b < samples; b += threads) {
      sum += dy[row * samples + b] * x[row * samples + b] * scale[b];
    }
    sum = kernel::join_block(sum, kernel::plus());
    if (thread == 0) d_gain[row] += sum;
  });
  for_each_block(samples, stream_, [=] __device__(std::size_t b, unsigned thread) {
    float dot = 0;
    for (std::size_t row = thread; row < width; row += threads) {
      dot += dy[row * samples + b] * gain[row] * x[row * samples + b];
    }
    dot = kernel::join_block(dot, kernel::plus()) * scale[b] * scale[b] / static_cast<float>(width);
    for (std::size_t row = thread; row < width; row += threads) {
      const std::size_t i = row * samples + b;
      dx[i] += scale[b] * (dy[i] * gain[row] - x[i] * dot);
    }
  });
}

void device_math::look_up(std::span<const float> table_, std::span<const std::uint8_t> contexts_,
                          std::span<float> features_, const model_shape& shape) const {
  const std::size_t samples = shape.batch, context = shape.context, size = shape.embedding;
  for_each(
      features_.size(), stream_,
      [=, table = table_.data(), contexts = contexts_.data(), features = features_.data()] __device__(std::size_t at) {
        const std::size_t feature = at / samples, b = at % samples;
        features[at] = table[contexts[b * context + feature / size] * size + feature % size];
      });
}

void device_math::look_up_gradient(std::span<const std::uint8_t> contexts_, std::span<const float> d_features_,
                                   std::span<float> d_table_, const model_shape& shape) const {
  const std::size_t samples = shape.batch, context = shape.context, size = shape.embedding;
  for_each(d_features_.size(), stream_,
           [=, contexts = contexts_.data(), d_features = d_features_.data(),
            d_table = d_table_.data()] __device__(std::size_t at) {
             const std::size_t feature = at / samples, b = at % samples;
             atomicAdd(&d_table[contexts[b * context + feature / size] * size + feature % size], d_features[at]);
           });
}

void device_math::cross_entropy(std::span<float> scores_, std::span<const std::uint8_t> targets_, number& loss) const {
  static_assert(threads == 256, "a thread for each byte that may come next");
  const std::size_t samples = targets_.size();
  clear(loss);
  for_each_block(samples, stream_,
                 [=, scores = scores_.data(), targets = targets_.data(), sum = loss.value.data()] __device__(
                     std::size_t b, unsigned byte) {
                   float& own = scores[byte * samples + b];
                   const float power = expf(own - kernel::join_block(own, kernel::larger()));
                   own = power / kernel::join_block(power, kernel::plus());
                   if (byte != targets[b]) return;
                   const double likely = fmax(static_cast<double>(own), least_probability);
                   atomicAdd(sum, -log(likely) / static_cast<double>(samples));
                 });
}

void device_math::cross_entropy_gradient(std::span<float> probability_, std::span<const std::uint8_t> targets_) const {
  const std::size_t samples = targets_.size();
  for_each(probability_.size(), stream_,
           [=, probability = probability_.data(), targets = targets_.data()] __device__(std::size_t at) {
             const float truth = targets[at % samples] == at / samples ? 1.0f : 0.0f;
             probability[at] = (probability[at] - truth) / static_cast<float>(samples);
           });
}

void device_math::adamw(std::span<float> parameters_, std::span<const float> gradients_, std::span<float> mean_,
                        std::span<float> square_, const adamw_options& options, const adamw_rates& rates) const {
  for_each(parameters_.size(), stream_,
           [=, parameters = parameters_.data(), gradients = gradients_.data(), mean = mean_.data(),
            square = square_.data()] __device__(std::size_t i) {
             const float g = gradients[i];
             mean[i] += (1.0f - options.beta_1) * (g - mean[i]);
             square[i] += (1.0f - options.beta_2) * (g * g - square[i]);
             const float update =
                 mean[i] * rates.mean_scale / (sqrtf(square[i] * rates.square_scale) + options.epsilon);
             parameters[i] -= rates.learning_rate * (update + options.weight_decay * parameters[i]);
           });
}

}  // namespace train_lm
