// Ranks that mean different things, where calls are compared: all of them throw the same, and can go on.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>

#include "../support/gpu/device_memory.hpp"
#include "gpu_check.hpp"

namespace {

using namespace mics::test;
using call = std::function<void(const mics::nccl::communicator&, cudaStream_t)>;

/// The last rank calls `other`, the rest `usual`.
void disagree(const call& usual, const call& other, const std::vector<std::string>& words) {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [&](gpu_host& host) {
      auto chosen = gpu_host::patient();
      chosen.checked = true;
      const auto world = host.world(chosen);
      const gpu_stream stream;
      const bool odd = host.rank() == host.size() - 1;
      const std::string said = words_of<mics::usage_error>([&] { (odd ? other : usual)(world, stream); });
      ensure_words(said, words);
      ensure_words(said, {"rank 0 calls", "rank " + std::to_string(host.size() - 1) + " calls"});
      check_on_gpu(world, {0, world.size(), 1}, stream, {.what = mics::operation::all_gather, .count = 7});
    });
  }
}

call reduce(std::size_t count, mics::reduction how) {
  return [=](const auto& world, cudaStream_t stream) {
    const device_array<float> data(count, stream);
    mics::all_reduce(world, data.all(), data.all(), how, stream);
  };
}

call from(int root) {
  return [=](const auto& world, cudaStream_t stream) {
    const device_array<float> data(5, stream);
    mics::broadcast(world, data.all(), root, stream);
  };
}

call gather_into(bool registered) {
  return [=](const mics::nccl::communicator& world, cudaStream_t stream) {
    const std::size_t shard = 4096, all = shard * static_cast<std::size_t>(world.size());
    const mics::nccl::registered_memory memory(world, all * sizeof(float));
    const device_array<float> plain(all, stream), own(shard, stream);
    mics::all_gather(world, own.all(), registered ? memory.as<float>() : plain.all(), stream);
  };
}

}  // namespace

TEST_CASE("counts, reductions, roots and operations") {
  using enum mics::reduction;
  disagree(reduce(8, sum), reduce(9, sum), {"all_reduce of 8 x float32", "all_reduce of 9 x float32"});
  disagree(reduce(8, sum), reduce(8, max), {", sum", ", max"});
  disagree(from(0), from(1), {"root 0", "root 1"});
  disagree(from(0), reduce(8, sum), {"broadcast", "all_reduce"});
  disagree(reduce(8, sum), [](const auto& world, cudaStream_t stream) { mics::barrier(world, stream); }, {"barrier"});
}

TEST_CASE("memory that is registered on some ranks only") {
  if (!mics::nccl::library_features::here().windows) return;  // there it is plain memory
  disagree(gather_into(true), gather_into(false), {"all_gather of", ", in registered memory"});
}

TEST_CASE("a table of another kind of machine, and tables that differ") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const std::string here = mics::nccl::machine_name(world.device());
      const auto range = [&](std::size_t bytes) {
        return mics::nccl::tuned_range{.nodes = world.shape().nodes,
                                       .node_size = world.shape().node_size,
                                       .up_to_bytes = bytes,
                                       .how = mics::algorithm::native};
      };
      mics::nccl::tuned_table table{.machine = "abacus", .ranges = {range(4096)}};
      ensure_words(words_of<mics::usage_error>([&] { world.use(table); }), {"another machine", "'abacus'", here});
      if (host.size() > 1) {
        table.machine = host.rank() == 1 ? "abacus" : here;  // one rank's is enough for all
        ensure_words(words_of<mics::usage_error>([&] { world.use(table); }), {"rank 1", "another machine"});
        table = {.machine = here, .ranges = {range(host.rank() == 1 ? 1 : 4096)}};
        ensure_words(words_of<mics::usage_error>([&] { world.use(table); }),
                     {"rank 1", "another tuned table than rank 0"});
      }
      table = {.machine = here, .ranges = {range(4096)}};
      world.use(table);
      if (world.shape().nodes == 1) return;
      const auto how = [](const auto& comm, std::size_t bytes) {
        return mics::plan_for(comm, mics::operation::all_gather, bytes).how();
      };
      ensure(how(world, 4096) == mics::algorithm::native, "as in the table");
      ensure(how(world, 4100) == mics::algorithm::hierarchical, "beyond the table");
      const auto again = world.split(0, host.rank());
      ensure(how(again, 4096) == mics::algorithm::native, "split off, the table is kept");
    });
  }
}
