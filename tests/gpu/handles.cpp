// Communicators as handles: the caller's own, several in one thread, moved, destroyed.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <mics/groups.hpp>
#include <mics/mics.hpp>

#include "../support/geometries.hpp"
#include "../support/gpu/device_memory.hpp"
#include "gpu_check.hpp"

namespace {

using namespace mics::test;
using mics::nccl::check;
using mics::nccl::communicator;
using mics::nccl::communicator_ref;

constexpr std::size_t block = 21;

/// One of the GPUs of a thread.
struct one_gpu {
  one_gpu(int device, ncclComm_t comm, const mics::nccl::settings& chosen, std::size_t all)
      : here((cudaSetDevice(device), device)), world(comm, chosen), shard(block, stream), full(block * all, stream) {
    shard.put(std::vector<int>(block, 10 + device));
  }
  int here;
  communicator_ref world;
  gpu_stream stream{};
  device_array<int> shard, full;
};
using several_gpus = std::vector<std::unique_ptr<one_gpu>>;

/// Runs `body` on one thread with up to four GPUs, on two nodes if they are four.
void with_several_gpus(const std::function<void(const several_gpus&)>& body) {
  if (gpu_clusters().empty()) return;
  on_gpus({1, 1}, [&](gpu_host&) {
    int devices = 0;
    check(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
    devices = gpus_are_fake() ? 4 : std::min(devices, 4);
    const auto n = static_cast<std::size_t>(devices);
    std::vector<ncclComm_t> own(n);
    check(ncclCommInitAll(own.data(), devices, nullptr), "ncclCommInitAll");
    {
      auto chosen = gpu_host::patient();
      chosen.node_size = devices == 4 ? 2 : 1;
      several_gpus gpus;
      for (int d = 0; d < devices; ++d) {
        gpus.push_back(std::make_unique<one_gpu>(d, own[static_cast<std::size_t>(d)], chosen, n));
      }
      check(cudaSetDevice(0), "cudaSetDevice");
      body(gpus);
    }
    for (std::size_t d = 0; d < n; ++d) check(ncclCommDestroy(own[d]), "ncclCommDestroy");
  });
}

}  // namespace

TEST_CASE("the caller's own communicator is used, and survives") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      ncclComm_t own = nullptr;
      check(ncclCommInitRank(&own, host.size(), host.unique_id(), host.rank()), "ncclCommInitRank");
      const gpu_stream stream;
      for (const bool by_size : {true, false}) {
        auto chosen = gpu_host::patient();
        if (by_size) chosen.node_size = host.size() == 4 ? 2 : 1;
        const communicator_ref world(own, chosen);
        ensure(world.native_handle() == own, "the handle");
        ensure(world.communicators() == 0, "nothing was made");
        for (const gpu_algorithm& asked : gpu_algorithms(mics::operation::all_gather, world.shape().hierarchical())) {
          check_on_gpu(
              world, {0, world.size(), 1}, stream,
              {.what = mics::operation::all_gather, .count = 99, .options = asked.options(99 * sizeof(float))});
        }
        const communicator part_of_it = world.split(host.rank() % 2, host.rank());
        check_on_gpu(part_of_it, {host.rank() % 2, part_of_it.size(), 2}, stream,
                     {.what = mics::operation::all_reduce, .count = 9});
        ensure(part_of_it.world_rank() == host.rank(), "the rank in the world");
      }
      const device_array<int> ones(std::vector<int>(3, 1), stream);  // it still works by itself
      check(ncclAllReduce(ones.data(), ones.data(), 3, ncclInt32, ncclSum, own, stream), "ncclAllReduce");
      check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
      ensure(ones.get() == std::vector<int>(3, host.size()), "the caller's own sum");
      check(ncclCommDestroy(own), "ncclCommDestroy");
    });
  }
}

TEST_CASE("the caller's communicator that does not block is refused, but can be duplicated") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [](gpu_host& host) {
      ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
      config.blocking = 0;
      ncclComm_t own = nullptr;
      ncclResult_t state = ncclCommInitRankConfig(&own, host.size(), host.unique_id(), host.rank(), &config);
      while (state == ncclInProgress) ncclCommGetAsyncError(own, &state);
      check(state, "ncclCommInitRankConfig", own);
      const gpu_stream stream;
      auto chosen = gpu_host::patient();
      ensure_words(words_of<mics::usage_error>([&] { const communicator_ref asks_where_ranks_are(own, chosen); }),
                   {"config.blocking is 0", "duplicate()", "rank " + std::to_string(host.rank())});
      const communicator_ref adopted(own, {.node_size = host.size()});
      ensure_words(words_of<mics::usage_error>([&] { mics::barrier(adopted, stream); }), {"config.blocking is 0"});
      const auto world = communicator::duplicate(own, chosen);
      check_on_gpu(world, {0, world.size(), 1}, stream, {.what = mics::operation::all_gather, .count = 33});
      check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
      host.barrier();
      check(ncclCommAbort(own), "ncclCommAbort");
    });
  }
}

TEST_CASE("one thread drives several GPUs") {
  with_several_gpus([](const several_gpus& gpus) {
    const int devices = static_cast<int>(gpus.size());
    const std::size_t n = gpus.size();
    for (const auto how : {mics::algorithm::native, mics::algorithm::hierarchical, mics::algorithm::automatic}) {
      if (devices == 1 && how == mics::algorithm::hierarchical) continue;
      for (const auto& g : gpus) g->full.put(std::vector<int>(block * n));
      mics::nccl::together all;
      for (const auto& g : gpus) {
        mics::all_gather(g->world, g->shard.all(), g->full.all(), g->stream, {.how = how});
      }
      all.run();
      for (const auto& g : gpus) g->world.synchronize(g->stream);
      for (const auto& g : gpus) {
        const auto got = g->full.get();
        for (std::size_t i = 0; i < got.size(); ++i) {
          ensure(got[i] == 10 + static_cast<int>(i / block), "element " + std::to_string(i));
        }
      }
      mics::nccl::together again;  // sums, in place
      for (const auto& g : gpus)
        mics::all_reduce(g->world, g->full.all(), g->full.all(), mics::reduction::sum, g->stream, {.how = how});
      again.run();
      for (const auto& g : gpus) g->world.synchronize(g->stream);
      ensure(gpus.back()->full.get().back() == devices * (9 + devices), "the sum");
    }
    mics::nccl::together all;
    mics::barrier(gpus[0]->world, gpus[0]->stream);
    ensure_words(words_of<mics::usage_error>([&] { mics::barrier(gpus[0]->world, gpus[0]->stream); }),
                 {"second call", "mics::batch"});
    ensure_words(words_of<mics::usage_error>([] { const mics::nccl::together nested; }), {"does not nest"});
  });
}

TEST_CASE("the default streams of several GPUs, while the device of one is current") {
  with_several_gpus([](const several_gpus& gpus) {
    constexpr int rounds = 10;  // so that some have a mark behind them
    int expected = 1;
    for (const auto& g : gpus) g->full.put(std::vector<int>(block * gpus.size(), 1));
    for (int round = 0; round < rounds; ++round) {
      mics::nccl::together all;
      for (const auto& g : gpus)
        mics::all_reduce(g->world, g->full.all(), g->full.all(), mics::reduction::sum, nullptr);
      all.run();
      expected *= static_cast<int>(gpus.size());
    }
    for (const auto& g : gpus) g->world.synchronize(nullptr);
    for (const auto& g : gpus) ensure(g->full.get().back() == expected, "the sum of sums");
  });
}

TEST_CASE("one thread makes the groups of several GPUs") {
  with_several_gpus([](const several_gpus& gpus) {
    const int devices = static_cast<int>(gpus.size());
    for (const int p : divisors(devices)) {
      std::vector<mics::groups<communicator_ref>> groups;
      for (const auto& g : gpus) groups.emplace_back(g->world, mics::group_options{.partition_size = p});
      {
        mics::nccl::together all;
        ensure_words(words_of<mics::usage_error>([&] { static_cast<void>(groups[0].partition()); }),
                     {"inside mics::nccl::together", "prepare()", "rank 0"});
        for (auto& of_one : groups) of_one.prepare();
        ensure(groups[0].created() == 0, "made in run()");
        all.run();
      }
      if (groups[0].partition().shape().hierarchical()) {
        mics::nccl::together all;
        for (auto& of_one : groups) {
          of_one.prepare(mics::group_kind::node);
          of_one.prepare(mics::group_kind::rail);
        }
        all.run();
        const auto& shape = groups[0].partition().shape();
        ensure(groups[0].node().size() == shape.node_size && groups[0].rail().size() == shape.nodes, "node and rail");
      }
      mics::nccl::together gathers;
      for (std::size_t i = 0; i < gpus.size(); ++i) {
        ensure(groups[i].created() >= 2, "partition and replication");
        const auto partition = groups[i].partition();
        ensure(partition.size() == p && partition.rank() == static_cast<int>(i) % p, "the place in the partition");
        mics::all_gather(partition, gpus[i]->shard.all(),
                         gpus[i]->full.all().first(block * static_cast<std::size_t>(p)), gpus[i]->stream);
      }
      gathers.run();
      mics::nccl::together sums;  // of the shards, over the replicas
      for (std::size_t i = 0; i < gpus.size(); ++i) {
        groups[i].partition().synchronize(gpus[i]->stream);
        const auto shard = gpus[i]->full.all().subspan(block * (i % static_cast<std::size_t>(p)), block);
        mics::all_reduce(groups[i].replication(), shard, shard, mics::reduction::sum, gpus[i]->stream);
      }
      sums.run();
      for (std::size_t i = 0; i < gpus.size(); ++i) {
        groups[i].replication().synchronize(gpus[i]->stream);
        const auto got = gpus[i]->full.get();
        const int first = static_cast<int>(i) / p * p;
        for (int r = 0; r < p; ++r) {
          int wanted = 10 + first + r;
          if (first + r == static_cast<int>(i)) {
            wanted = 0;
            for (int d = r; d < devices; d += p) wanted += 10 + d;
          }
          ensure(got[block * static_cast<std::size_t>(r)] == wanted, "the block of rank " + std::to_string(r));
        }
      }
    }
  });
}

TEST_CASE("one thread prepares the batches of several GPUs; registered memory needs a thread for each") {
  with_several_gpus([](const several_gpus& gpus) {
    const bool staged = gpus.front()->world.shape().hierarchical() && gpus.front()->world.shape().node_size > 1;
    const mics::collective_options how{.how = staged ? mics::algorithm::hierarchical : mics::algorithm::automatic};
    std::vector<mics::batch<communicator_ref>> gathers;
    for (const auto& g : gpus) gathers.emplace_back(g->world).all_gather(g->shard.all(), g->full.all());
    {
      mics::nccl::together all;
      for (const auto& gather : gathers) gather.prepare(how);
      ensure(gpus[0]->world.communicators() == 0, "made in run()");
      ensure_words(words_of<mics::usage_error>([&] { gathers[0].prepare(how); }), {"second call"});
      all.run();
    }
    for (const auto& g : gpus) ensure(g->world.communicators() == (staged ? 2 : 0), "the stages are there");
    mics::nccl::together all;
    for (std::size_t i = 0; i < gpus.size(); ++i) gathers[i].run(gpus[i]->stream, how);
    ensure_words(words_of<mics::usage_error>([&] { const mics::nccl::registered_memory memory(gpus[0]->world, 64); }),
                 {"inside mics::nccl::together", "a thread for each GPU", "registered_memory", "rank 0"});
    ensure_words(
        words_of<mics::usage_error>([&] { mics::barrier(gpus[0]->world, gpus[0]->stream, {.checked = true}); }),
        {"inside mics::nccl::together", "a thread for each GPU", "barrier", "rank 0"});
    all.run();
    for (const auto& g : gpus) {
      g->world.synchronize(g->stream);
      ensure(g->full.get().back() == 9 + static_cast<int>(gpus.size()), "the last shard");
    }
  });
}

TEST_CASE("groups are prepared, and split off later, outside of together too") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      auto groups = mics::groups(world);
      groups.prepare();
      groups.prepare();
      ensure(groups.created() == 2, "partition and replication, once");
      communicator part;
      world.split_later(0, -host.rank(), "later", [&part](communicator made) { part = std::move(made); });
      ensure(part.name() == "later" && part.rank() == host.size() - 1 - host.rank(), "made at once");
    });
  }
}

TEST_CASE("moved from, destroyed, never made: an exception in words") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const gpu_stream stream;
      const device_array<float> data(4, stream);
      const auto use = [&](const communicator_ref& comm) {
        return words_of<mics::usage_error>(
            [&] { mics::all_reduce(comm, data.all(), data.all(), mics::reduction::sum, stream); });
      };
      auto world = host.world();
      const communicator_ref before(world);
      communicator moved(std::move(world));
      ensure_words(use(world), {"empty", "moved from"});
      ensure_words(use(communicator_ref()), {"empty"});
      mics::all_reduce(before, data.all(), data.all(), mics::reduction::sum, stream);  // a ref follows its owner
      before.synchronize(stream);
      host.barrier();
      moved = communicator();
      ensure_words(use(before), {"'world'", "destroyed"});
    });
  }
}

TEST_CASE("groups and their refs outlive the world that they were split off from") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      auto world = host.world();
      const gpu_stream stream;
      const auto part = world.split(0, -host.rank(), "backwards");
      host.barrier();
      world = {};
      ensure(part.rank() == host.size() - 1 - host.rank(), "ranks in the order of keys");
      const device_array<int> mine(std::vector<int>(2, host.rank()), stream),
          all(2 * static_cast<std::size_t>(host.size()), stream);
      mics::all_gather(part, mine.all(), all.all(), stream);
      part.synchronize(stream);
      ensure(all.get().front() == host.size() - 1, "the last rank comes first");
    });
  }
}

TEST_CASE("two streams that events put in order share a group") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream one, other;
      const device_array<double> data(std::vector<double>(5001, 1), one);
      double wanted = 1;
      for (int i = 0; i < 10; ++i) {
        const cudaStream_t stream = i % 2 == 0 ? one : other;
        const cudaStream_t next = i % 2 == 0 ? other : one;
        mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream);
        world.wait(next, world.record(stream));
        wanted *= host.size();
      }
      world.synchronize(one);
      world.synchronize(other);
      for (const double value : data.get()) ensure(value == wanted, "a sum out of order: " + std::to_string(value));
    });
  }
}

TEST_CASE("operations in two streams without order do not disturb each other's temporary memory") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream streams[2];
      constexpr std::size_t count = 20011;
      std::vector<device_array<int>> inputs, sums;
      for (int s = 0; s < 2; ++s) {
        const std::vector<int> terms(count * static_cast<std::size_t>(host.size()), s + 1);
        inputs.emplace_back(terms, streams[s]);
        sums.emplace_back(count, streams[s]);
      }
      for (int i = 0; i < 20; ++i) {
        const auto s = static_cast<std::size_t>(i % 2);
        mics::reduce_scatter(world, inputs[s].all(), sums[s].all(), mics::reduction::sum, streams[s]);
      }
      for (std::size_t s = 0; s < 2; ++s) {
        world.synchronize(streams[s]);
        for (const int value : sums[s].get())
          ensure(value == static_cast<int>(s + 1) * host.size(), "a sum is mixed up");
      }
    });
  }
}

TEST_CASE("events put streams in order") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream sums, copies;
      const device_array<int> data(std::vector<int>(1000, 1), sums), copy(1000, sums);
      mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, sums);
      world.wait(copies, world.record(sums));
      check(cudaMemcpyAsync(copy.data(), data.data(), 4000, cudaMemcpyDeviceToDevice, copies), "cudaMemcpyAsync");
      world.synchronize(copies);
      ensure(copy.get() == std::vector<int>(1000, host.size()), "the copy came first");
    });
  }
}
