// Two-hop gradient synchronization over NCCL, against a computation on the host.

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/groups.hpp>
#include <mics/training.hpp>

#include "../support/gpu/device_memory.hpp"
#include "../support/terms.hpp"
#include "gpu_check.hpp"

namespace {

using namespace mics::test;

/// Small enough that every sum over 16 ranks and 3 micro-steps is exact, even in bfloat16.
int whole_number(int rank, int micro_step, std::size_t unit, std::size_t element) {
  const std::size_t mixed = static_cast<std::size_t>(rank) * 7 + static_cast<std::size_t>(micro_step) * 5 + unit * 3 +
                            element * 13 + element / 9;
  return static_cast<int>(mixed % 7) - 3;
}

std::vector<mics::shard_layout> odd_units(int partition) {
  return {mics::shard_layout({3, 5, 0, 7}, partition), mics::shard_layout({1}, partition),
          mics::shard_layout({101, 2, 13}, partition, 2)};
}

template <class Gradient, class Accumulator>
void two_steps(gpu_host& host, const mics::nccl::communicator& world, int partition, mics::gradient_result result) {
  const gpu_stream stream;
  auto groups = mics::groups(world, {.partition_size = partition});
  auto sync = mics::make_gradient_sync<Gradient, Accumulator>(groups, odd_units(partition), {.result = result});
  for (const int micro_steps : {3, 1}) {
    for (int m = 0; m < micro_steps; ++m) {
      for (std::size_t unit = 0; unit < sync.units(); ++unit) {
        std::vector<Gradient> gradients;
        for (std::size_t i = 0; i < sync.layout(unit).flat_elements(); ++i) {
          gradients.push_back(from_number<Gradient>(whole_number(host.rank(), m, unit, i)));
        }
        const device_array<Gradient> on_device(gradients, stream);
        sync.accumulate(unit, on_device.all(), stream);
        world.synchronize(stream);
      }
    }
    if (micro_steps == 1) {
      for (std::size_t unit = sync.units(); unit-- > 0;) sync.synchronize_unit(unit, stream);
    } else {
      sync.synchronize(stream);
    }
    world.synchronize(stream);
    for (std::size_t unit = 0; unit < sync.units(); ++unit) {
      const auto shard = sync.shard(unit);
      std::vector<Accumulator> got(shard.size());
      mics::nccl::check(cudaMemcpyAsync(got.data(), shard.data(), shard.size_bytes(), cudaMemcpyDeviceToHost, stream),
                        "read");
      mics::nccl::check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
      const std::size_t first = static_cast<std::size_t>(host.rank() % partition) * shard.size();
      for (std::size_t i = 0; i < got.size(); ++i) {
        double wanted = 0;
        for (int r = 0; r < host.size(); ++r) {
          for (int m = 0; m < micro_steps; ++m) wanted += whole_number(r, m, unit, first + i);
        }
        if (result == mics::gradient_result::mean) wanted /= host.size() * micro_steps;
        const double distance = std::abs(static_cast<double>(got[i]) - wanted);
        ensure(distance <= std::abs(wanted) * 0x1p-23,  // the divisor and the quotient are rounded
               "p = " + std::to_string(partition) + ", unit " + std::to_string(unit) + ", element " +
                   std::to_string(i) + " is " + std::to_string(static_cast<double>(got[i])) + ", not " +
                   std::to_string(wanted));
      }
    }
    sync.reset();
  }
}

}  // namespace

TEST_CASE("gradients of every partition size, in float, double and bfloat16") {
  if (mics::nccl::device_kernels().add == nullptr) {
    MESSAGE("left out: these tests were built without a compiler for CUDA");
    return;
  }
  for (const gpu_cluster& cluster : gpu_clusters()) {
    on_gpus(cluster, [&](gpu_host& host) {
      for (const bool checked : {false, true}) {
        auto chosen = gpu_host::patient();
        chosen.checked = checked;
        const auto world = host.world(chosen);
        for (int p = 1; p <= cluster.world; ++p) {
          if (cluster.world % p != 0) continue;
          using mics::gradient_result;
          two_steps<mics::bfloat16, float>(host, world, p, gradient_result::mean);
          two_steps<float, float>(host, world, p, gradient_result::sum);
          if (checked) continue;
          two_steps<double, double>(host, world, p, gradient_result::mean);
          two_steps<mics::float16, double>(host, world, p, gradient_result::mean);
        }
        host.barrier();
      }
    });
  }
}

TEST_CASE("layouts that differ are told to every rank") {
  if (mics::nccl::device_kernels().add == nullptr) return;
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      auto groups = mics::groups(world);
      const std::size_t elements = host.rank() == 1 ? 9 : 8;
      ensure_words(words_of<mics::usage_error>(
                       [&] { const mics::gradient_sync sync(groups, mics::shard_layout({elements}, host.size())); }),
                   {"rank 0", "rank 1"});
    });
  }
}
