// A thousand operations leave no more behind than the first ones.

#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/groups.hpp>
#include <mics/mics.hpp>

#include "../support/gpu/device_memory.hpp"
#include "gpu_check.hpp"

namespace {

using namespace mics::test;

std::size_t free_bytes() {
  std::size_t free = 0, total = 0;
  mics::nccl::check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

struct buffers {
  buffers(std::size_t ranks, cudaStream_t stream)
      : shard(std::vector<float>(1001, 1), stream), full(std::vector<float>(1001 * ranks, 1), stream) {}
  device_array<float> shard, full;
};

/// One of each operation, and a batch.
void one_round(const mics::nccl::communicator_ref& world, const buffers& b, cudaStream_t stream) {
  mics::all_gather(world, b.shard.all(), b.full.all(), stream);
  mics::reduce_scatter(world, b.full.all(), b.shard.all(), mics::reduction::avg, stream);
  mics::all_reduce(world, b.full.all(), b.full.all(), mics::reduction::max, stream,
                   {.how = world.shape().hierarchical() ? mics::algorithm::hierarchical : mics::algorithm::native});
  mics::broadcast(world, b.shard.all(), 0, stream);
  mics::barrier(world, stream);
  mics::batch<mics::nccl::communicator_ref> both(world);
  const std::size_t half = 500;
  both.all_gather(b.shard.data(), b.full.data(), half, mics::data_type::float32)
      .all_gather(b.shard.data() + half, b.full.data() + half * static_cast<std::size_t>(world.size()), half,
                  mics::data_type::float32);
  both.run(stream);
}

}  // namespace

TEST_CASE("a thousand operations") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const buffers b(static_cast<std::size_t>(host.size()), stream);
      for (int i = 0; i < 3; ++i) one_round(world, b, stream);
      world.synchronize(stream);
      host.barrier();
      const int communicators = world.communicators();
      const std::size_t scratch = world.scratch_bytes(), free = free_bytes();
      const bool staged = world.shape().hierarchical() && world.shape().node_size > 1;
      ensure(communicators == (staged ? 3 : 1), std::to_string(communicators) + " communicators");
      host.barrier();
      for (int i = 0; i < 170; ++i) {
        one_round(world, b, stream);
        if (i % 10 == 0) world.synchronize(stream);
      }
      world.synchronize(stream);
      host.barrier();
      ensure(world.communicators() == communicators, "communicators");
      ensure(world.scratch_bytes() == scratch, "temporary memory");
      const std::size_t tolerated = gpus_are_fake() ? 0 : std::size_t{8} << 20;  // others share a real device
      const std::size_t now = free_bytes();
      ensure(now + tolerated >= free, "device memory: " + std::to_string(free - now) + " bytes less");
      host.barrier();
    });
  }
}

TEST_CASE("groups come and go") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      if (host.size() < 2) return;  // a machine with one GPU: there are no groups
      const auto world = host.world();
      const gpu_stream stream;
      for (int i = 0; i < 5; ++i) {
        auto groups = mics::groups(world, {.partition_size = 2});
        const buffers b(2, stream);
        one_round(groups.partition(), b, stream);
        groups.partition().synchronize(stream);
        ensure(groups.created() == 1, "one group was made");
        host.barrier();
      }
      ensure(world.communicators() == 1, "the world made no others");
    });
  }
}
