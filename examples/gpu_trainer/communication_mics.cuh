#pragma once

#include <mics/mics.hpp>
#include <mics/training.hpp>
#include <mics/transport/nccl.hpp>

#include "device.cuh"

/// After: the same communicator and stream. Micro-steps stay in the partition group; replicas meet once a step.
class communication_mics {
 public:
  communication_mics(ncclComm_t comm, cudaStream_t stream, std::size_t parameters, int partition)
      : stream_(stream),
        world_(comm),
        groups_(world_, {.partition_size = partition > 0 ? partition : world_.shape().node_size}),
        layout_({parameters}, groups_.topology().partition_size()),
        sync_(groups_, layout_) {}

  int shard_index() { return groups_.partition().rank(); }
  int shards() const { return layout_.shards(); }
  std::size_t shard_elements() const { return layout_.shard_elements(); }

  void gather(const bf16* shard, bf16* full) {
    mics::all_gather(groups_.partition(), shard, full, shard_elements(), mics::data_type::bfloat16, stream_);
  }

  /// After every micro-step: hop 1.
  void add(const bf16* gradients) {
    const auto* flat = reinterpret_cast<const mics::bfloat16*>(gradients);
    sync_.accumulate(std::span(flat, layout_.flat_elements()), stream_);
  }

  /// After the last one, hop 2: this rank's shard of the mean gradient.
  const float* finish() {
    sync_.synchronize(stream_);
    sync_.reset();
    return sync_.shard().data();
  }

 private:
  using groups = mics::groups<mics::nccl::communicator_ref>;

  cudaStream_t stream_;
  mics::nccl::communicator_ref world_;
  groups groups_;
  mics::shard_layout layout_;
  mics::gradient_sync<groups, mics::bfloat16> sync_;
};
