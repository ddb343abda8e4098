// What a rank can see to be wrong: an exception in words before anything is enqueued, and the group goes on.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/groups.hpp>
#include <mics/mics.hpp>
#include <mics/training.hpp>

#include "../support/gpu/device_memory.hpp"
#include "gpu_check.hpp"

namespace {

using namespace mics::test;
using mics::algorithm;
using mics::reduction;

/// Every rank makes the call; each gets a usage_error that has all of the words, and the group still works.
void refused(const std::function<void(const mics::nccl::communicator&, cudaStream_t, gpu_host&)>& call,
             std::vector<std::string> words, const gpu_cluster& wanted = {2, 2}) {
  for (const gpu_cluster& cluster : gpu_cluster_like(wanted.world, wanted.node_size)) {
    on_gpus(cluster, [&](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const std::string said = words_of<mics::usage_error>([&] { call(world, stream, host); });
      ensure_words(said, words);
      ensure_words(said, {"rank " + std::to_string(host.rank())});
      check_on_gpu(world, {0, world.size(), 1}, stream, {.what = mics::operation::all_reduce, .count = 7});
    });
  }
}

}  // namespace

TEST_CASE("memory of the host") {
  refused(
      [](const auto& world, cudaStream_t stream, gpu_host&) {
        std::vector<float> data(8);
        mics::all_reduce(world, data, data, reduction::sum, stream);
      },
      {"the input is memory of the host", "all_reduce", "group world"});
  refused(
      [](const auto& world, cudaStream_t stream, gpu_host&) {
        const device_array<float> shard(2, stream);
        std::vector<float> full(2 * static_cast<std::size_t>(world.size()));
        mics::all_gather(world, shard.all(), full, stream);
      },
      {"the output is memory of the host", "all_gather #1"});
}

TEST_CASE("null") {
  refused([](const auto& world, cudaStream_t stream,
             gpu_host&) { mics::broadcast(world, nullptr, 3, mics::data_type::int8, 0, stream); },
          {"null", "3 elements"});
}

TEST_CASE("another device's buffer and stream") {
  if (!gpus_are_fake()) return;  // only there are devices that no rank uses
  refused(
      [](const auto& world, cudaStream_t stream, gpu_host& host) {
        const mics::nccl::device_scope elsewhere(20 + host.rank());
        const gpu_stream there;
        const device_array<float> data(8, there);
        mics::all_reduce(world, data.all(), data.all(), reduction::sum, stream);
      },
      {"the input lies on device 2", "the communicator is on device"});
}

TEST_CASE("another device's stream") {
  if (!gpus_are_fake() || CUDART_VERSION < 12080) return;  // since then CUDA says whose a stream is
  refused(
      [](const auto& world, cudaStream_t stream, gpu_host& host) {
        const device_array<float> data(8, stream);
        cudaSetDevice(20 + host.rank());
        const gpu_stream there;
        cudaSetDevice(host.rank());
        mics::all_reduce(world, data.all(), data.all(), reduction::sum, there);
      },
      {"the stream is on device 2", "but the communicator on device"});
}

TEST_CASE("algorithms that NCCL has not, or that do not fit the group") {
  const auto with = [](algorithm how, algorithm on_rail) {
    return [=](const auto& world, cudaStream_t stream, gpu_host&) {
      const device_array<float> shard(2, stream), full(2 * static_cast<std::size_t>(world.size()), stream);
      mics::all_gather(world, shard.all(), full.all(), stream, {.how = how, .on_rail = on_rail});
    };
  };
  refused(with(algorithm::ring, algorithm::automatic), {"ring was asked for", "native and hierarchical"});
  refused(with(algorithm::hierarchical, algorithm::automatic), {"hierarchical", "inside one node"});
  refused(with(static_cast<algorithm>(99), algorithm::automatic), {"unknown was asked for"});
  refused(with(algorithm::automatic, algorithm::tree), {"a rail stage by tree"});
}

TEST_CASE("overlap, average of integers, lengths") {
  refused(
      [](const auto& world, cudaStream_t stream, gpu_host&) {
        const device_array<float> data(9, stream);
        mics::all_reduce(world, data.all().first(8), data.all().subspan(1), reduction::sum, stream);
      },
      {"overlap"});
  refused(
      [](const auto& world, cudaStream_t stream, gpu_host&) {
        const device_array<int> data(8, stream);
        mics::all_reduce(world, data.all(), data.all(), reduction::avg, stream);
      },
      {"avg of int32"});
  refused(
      [](const auto& world, cudaStream_t stream, gpu_host&) {
        const device_array<int> data(8, stream);
        mics::all_gather(world, data.all().first(3), data.all(), stream);
      },
      {"full has 8 elements", "must have"});
}

TEST_CASE("widened sums and gradients need kernels") {
  const mics::nccl::kernels kept = mics::nccl::device_kernels();
  mics::nccl::device_kernels() = {};
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const device_array<mics::bfloat16> data(8, stream);
      ensure_words(words_of<mics::usage_error>([&] {
                     mics::all_reduce(world, data.all(), data.all(), reduction::sum, stream,
                                      {.accumulate = mics::accumulation::widened});
                   }),
                   {"accumulation::widened", "nvcc", "kernels.cuh"});
      auto groups = mics::groups(world);
      ensure_words(words_of<mics::usage_error>(
                       [&] { const mics::gradient_sync sync(groups, mics::shard_layout({8}, host.size())); }),
                   {"gradient_sync over NCCL", "kernels.cuh"});
    });
  }
  mics::nccl::device_kernels() = kept;
}

TEST_CASE("shapes and colours that do not fit") {
  refused(
      [](const auto& world, cudaStream_t, gpu_host&) {
        world.set_shape({world.rank(), world.size(), 3, 7, {}});
      },
      {"3 nodes x 7", "does not fit"});
  refused([](const auto& world, cudaStream_t, gpu_host&) { static_cast<void>(world.split(-1, 0)); },
          {"colour -1", "0 and more"});
  refused(
      [](const auto& world, cudaStream_t, gpu_host&) {
        auto groups = mics::groups(world, {.node_size = world.rank() == 0 ? 1 : world.size()});
        groups.prepare();
      },
      {"the ranks disagree", "rank 0 says", "rank 1 says"});
  refused(
      [](const auto& world, cudaStream_t stream, gpu_host&) {
        mics::barrier(world, stream);
        world.synchronize(stream);
        world.set_shape(world.shape());
      },
      {"before the first operation"});
}
