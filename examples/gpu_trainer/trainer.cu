#include <chrono>
#include <cmath>

#include "communication_mics.cuh"
#include "communication_nccl.cuh"
#include "device.cuh"
#include "perceptron.cuh"
#include "trainer.hpp"

namespace {

/// Adam on the float master weights of one shard; also rounds them to what is gathered.
void update(std::size_t count, const float* gradient, float* master, float* mean, float* square, bf16* rounded,
            int step, cudaStream_t stream) {
  const float mean_scale = 1.0f / (1.0f - std::pow(0.9f, static_cast<float>(step)));
  const float square_scale = 1.0f / (1.0f - std::pow(0.98f, static_cast<float>(step)));
  for_each(count, stream, [=] __device__(std::size_t i) {
    mean[i] += 0.1f * (gradient[i] - mean[i]);
    square[i] += 0.02f * (gradient[i] * gradient[i] - square[i]);
    master[i] -= 1e-4f * mean[i] * mean_scale / (sqrtf(square[i] * square_scale) + 1e-8f);
    rounded[i] = __float2bfloat16(master[i]);
  });
}

template <class Communication> curve train(ncclComm_t comm, cudaStream_t stream, const settings& s) {
  Communication communication(comm, stream, perceptron::parameters, s.partition);
  int rank = 0, ranks = 1;
  check(ncclCommUserRank(comm, &rank));
  check(ncclCommCount(comm, &ranks));
  const std::size_t shard = communication.shard_elements(), first = communication.shard_index() * shard;
  device_array<float> master(shard), mean(shard), square(shard);
  device_array<bf16> own(shard), full(shard * communication.shards()), gradients(shard * communication.shards());
  perceptron model;
  for_each(shard, stream, [=, w = master.data(), r = own.data()] __device__(std::size_t i) {
    w[i] = first + i < perceptron::parameters ? perceptron::start_value(first + i) : 0.0f;
    r[i] = __float2bfloat16(w[i]);
  });

  curve result;
  constexpr int warm_up = 5;
  auto start = std::chrono::steady_clock::now();
  for (int step = 1; step <= s.steps; ++step) {
    if (step == warm_up + 1) start = std::chrono::steady_clock::now();
    check(cudaMemsetAsync(model.loss.data(), 0, sizeof(float), stream));
    for (int micro_step = 0; micro_step < s.micro_steps; ++micro_step) {
      communication.gather(own.data(), full.data());
      model.learn(full.data(), gradients.data(), step, micro_step * ranks + rank, stream);
      communication.add(gradients.data());
    }
    update(shard, communication.finish(), master.data(), mean.data(), square.data(), own.data(), step, stream);
    // The trainer goes on to use its communicator as it likes.
    check(ncclAllReduce(model.loss.data(), model.loss.data(), 1, ncclFloat, ncclAvg, comm, stream));
    float loss = 0;
    check(cudaMemcpyAsync(&loss, model.loss.data(), sizeof loss, cudaMemcpyDeviceToHost, stream));
    check(cudaStreamSynchronize(stream));
    result.losses.push_back(loss / s.micro_steps);
  }
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  result.milliseconds = spent.count() / (s.steps - warm_up);
  return result;
}

}  // namespace

curve train_with_nccl(ncclComm_t comm, cudaStream_t stream, const settings& s) {
  return train<communication_nccl>(comm, stream, s);
}
curve train_with_mics(ncclComm_t comm, cudaStream_t stream, const settings& s) {
  return train<communication_mics>(comm, stream, s);
}
