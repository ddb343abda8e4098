// A thousand operations leave no more behind than the first ones.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/groups.hpp>
#include <mics/mics.hpp>

#include "../support/gpu/device_memory.hpp"
#include "gpu_check.hpp"

#ifdef MICS_FAKE_GPU
#include "../support/fake_gpu/fake_gpu.hpp"
#endif

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

/// One of each operation, a batch, and a gather by mics::nccl::together.
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
  mics::nccl::together gpus;
  mics::all_gather(world, b.shard.all(), b.full.all(), stream);
  gpus.run();
}

/// A graph of a gather and a sum.
class captured {
 public:
  captured(const mics::nccl::communicator_ref& world, const buffers& b, cudaStream_t stream) {
    mics::nccl::check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    mics::all_gather(world, b.shard.all(), b.full.all(), stream);
    mics::reduce_scatter(world, b.full.all(), b.shard.all(), mics::reduction::avg, stream);
    mics::nccl::check(cudaStreamEndCapture(stream, &graph_), "cudaStreamEndCapture");
    mics::nccl::check(cudaGraphInstantiate(&ready_, graph_, 0), "cudaGraphInstantiate");
  }
  ~captured() {
    cudaGraphExecDestroy(ready_);
    cudaGraphDestroy(graph_);
  }
  captured(const captured&) = delete;
  captured& operator=(const captured&) = delete;

  void run(cudaStream_t stream) const { mics::nccl::check(cudaGraphLaunch(ready_, stream), "cudaGraphLaunch"); }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t ready_ = nullptr;
};

/// All of it, in a world of the library's own, which `graph` and `memory` belong to, and in the caller's.
void full_round(const mics::nccl::communicator_ref& world, const mics::nccl::communicator_ref& adopted,
                const buffers& b, const captured& graph, std::span<float> memory, cudaStream_t stream) {
  one_round(world, b, stream);
  graph.run(stream);
  mics::all_gather(world, b.shard.all().first(1000), memory, stream);
  mics::all_reduce(adopted, b.full.all(), b.full.all(), mics::reduction::max, stream);
}

void thousand_operations(gpu_host& host, const mics::nccl::communicator_ref& adopted) {
  const auto world = host.world();
  const gpu_stream stream;
  const auto ranks = static_cast<std::size_t>(host.size());
  const buffers b(ranks, stream);
  for (int i = 0; i < 3; ++i) one_round(world, b, stream);
  const captured graph(world, b, stream);
  const mics::nccl::registered_memory memory(world, ranks * 1000 * sizeof(float));
  const auto round = [&] { full_round(world, adopted, b, graph, memory.as<float>(), stream); };
  for (int i = 0; i < 3; ++i) round();
  world.synchronize(stream);
  host.barrier();
  const int communicators = world.communicators();
  const std::size_t scratch = world.scratch_bytes(), native = world.native_bytes(), free = free_bytes();
  const bool staged = world.shape().hierarchical() && world.shape().node_size > 1;
  const int by_windows = world.shape().node_size == 1 ? 0 : NCCL_VERSION_CODE >= NCCL_VERSION(2, 28, 0) ? 2 : 1;
  ensure(communicators == (staged ? 3 : 1) + (NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0) ? by_windows : 0),
         std::to_string(communicators) + " communicators");
  host.barrier();
  for (int i = 0; i < 120; ++i) {
    round();
    if (i % 10 == 0) world.synchronize(stream);
  }
  world.synchronize(stream);
  host.barrier();
  ensure(world.communicators() == communicators, "communicators");
  ensure(world.scratch_bytes() == scratch, "temporary memory");
  ensure(world.native_bytes() == native, "nothing is connected anew");
  const std::size_t tolerated = gpus_are_fake() ? 0 : std::size_t{8} << 20;  // others share a real device
  const std::size_t now = free_bytes();
  ensure(now + tolerated >= free, "device memory: " + std::to_string(free - now) + " bytes less");
  host.barrier();
}

}  // namespace

TEST_CASE("a thousand operations") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      ncclComm_t own = nullptr;
      mics::nccl::check(ncclCommInitRank(&own, host.size(), host.unique_id(), host.rank()), "ncclCommInitRank");
      auto chosen = gpu_host::patient();
      chosen.node_size = host.size();
      thousand_operations(host, mics::nccl::communicator_ref(own, chosen));
      mics::nccl::check(ncclCommDestroy(own), "ncclCommDestroy");
    });
  }
}

#ifdef MICS_FAKE_GPU
TEST_CASE("what NCCL takes is counted, to the byte") {
  on_gpus({4, 2}, [](gpu_host& host) {
    const gpu_stream stream;
    const buffers b(4, stream), of_partition(2, stream);
    const std::size_t free = free_bytes();
    // Which ranks share a host is found out by a gather.
    const mics::nccl::communicator world(host.unique_id(), host.rank(), host.size(), gpu_host::patient());
    ensure(world.native_bytes() == fake_gpu::communicator_bytes + fake_gpu::connection_bytes, "made and connected");
    auto groups = mics::groups(world, {.partition_size = 2});
    groups.prepare();
    const mics::nccl::registered_memory memory(world, 65536);
    one_round(world, b, stream);
    one_round(groups.partition(), of_partition, stream);
    mics::barrier(groups.replication(), stream);
    mics::all_gather(world, b.shard.all().first(1000), memory.as<float>().first(4000), stream);
    world.synchronize(stream);
    std::size_t known = memory.size_bytes();
    for (const auto& group : {groups.world(), groups.partition(), groups.replication()}) {
      known += group.native_bytes() + group.scratch_bytes();
    }
    const std::size_t taken = free - free_bytes();
    ensure(known == taken, std::to_string(known) + " bytes are known of " + std::to_string(taken));
    host.barrier();
  });
}
#endif

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
