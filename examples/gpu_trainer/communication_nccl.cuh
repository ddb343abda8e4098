#pragma once

#include "device.cuh"

/// Before: flat NCCL calls over all ranks, as ZeRO-3 makes them. Every micro-step crosses the whole cluster.
class communication_nccl {
 public:
  communication_nccl(ncclComm_t comm, cudaStream_t stream, std::size_t parameters, int /*partition*/)
      : comm_(comm), stream_(stream) {
    check(ncclCommUserRank(comm, &rank_));
    check(ncclCommCount(comm, &ranks_));
    shard_ = (parameters + ranks_ - 1) / ranks_;
    incoming_ = device_array<bf16>(shard_);
    sum_ = device_array<float>(shard_);
  }

  int shard_index() const { return rank_; }
  int shards() const { return ranks_; }
  std::size_t shard_elements() const { return shard_; }

  void gather(const bf16* shard, bf16* full) {
    check(ncclAllGather(shard, full, shard_, ncclBfloat16, comm_, stream_));
  }

  /// After every micro-step.
  void add(const bf16* gradients) {
    check(ncclReduceScatter(gradients, incoming_.data(), shard_, ncclBfloat16, ncclSum, comm_, stream_));
    for_each(shard_, stream_, [sum = sum_.data(), in = incoming_.data(), first = micro_steps_ == 0] __device__(auto i) {
      sum[i] = (first ? 0.0f : sum[i]) + static_cast<float>(in[i]);
    });
    ++micro_steps_;
  }

  /// After the last one: this rank's shard of the mean gradient.
  const float* finish() {
    const float factor = 1.0f / (static_cast<float>(micro_steps_) * static_cast<float>(ranks_));
    for_each(shard_, stream_, [sum = sum_.data(), factor] __device__(auto i) { sum[i] *= factor; });
    micro_steps_ = 0;
    return sum_.data();
  }

 private:
  ncclComm_t comm_;
  cudaStream_t stream_;
  int rank_ = 0, ranks_ = 1, micro_steps_ = 0;
  std::size_t shard_ = 0;
  device_array<bf16> incoming_;
  device_array<float> sum_;
};
