// NCCL connects the ranks on the host, in the first use of an operation and of each of its algorithms: such a call has
// a deadline, too, and hears of failures.

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <mics/mics.hpp>

#include "../support/gpu/device_memory.hpp"
#include "gpu_check.hpp"

namespace {

using namespace mics::test;
using namespace std::chrono_literals;

}  // namespace

TEST_CASE("the first use of an operation, when NCCL connects the ranks, keeps its deadline and says what it was") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [](gpu_host& host) {
      const gpu_stream stream;
      const device_array<float> data(1000, stream);
      auto chosen = gpu_host::patient();
      chosen.node_size = host.size() == 4 ? 2 : 1;
      const auto world = host.world(chosen);
      host.barrier();
      if (host.rank() != host.size() - 1) {
        const std::string said = words_of<mics::error>([&] {
          mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream,
                           {.how = mics::algorithm::native, .timeout = 1s});
          world.synchronize(stream, 1s);
        });
        ensure_words(said, {"group world", "all_reduce #1", "rank " + std::to_string(host.rank())});
        ensure_words(words_of<mics::aborted_error>([&] { static_cast<void>(world.rank()); }), {"all_reduce #1"});
      }
      host.barrier();
    });
  }
}

TEST_CASE("and so does a later one, of another size, for which NCCL connects them once more") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [](gpu_host& host) {
      const gpu_stream stream;
      const device_array<float> data(std::size_t{4} << 20, stream);
      const auto world = host.world();
      mics::all_reduce(world, data.all().first(100), data.all().first(100), mics::reduction::sum, stream);
      world.synchronize(stream);
      host.barrier();
      if (host.rank() != host.size() - 1) {
        const std::string said = words_of<mics::error>([&] {
          mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream, {.timeout = 1s});
          world.synchronize(stream, 1s);
        });
        ensure_words(said, {"group world", "all_reduce #2", "rank " + std::to_string(host.rank()), "1000 ms"});
      }
      host.barrier();
    });
  }
}

TEST_CASE("another part of the program declares the group failed meanwhile") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [](gpu_host& host) {
      const gpu_stream stream;
      const device_array<float> data(1000, stream);
      const auto world = host.world();
      host.barrier();
      if (host.rank() == 0) {
        std::jthread watch([failure = world.failure()] {
          std::this_thread::sleep_for(100ms);
          if (const auto known = failure.lock()) known->set("rank 1 was seen to die");
        });
        const std::string said = words_of<mics::aborted_error>([&] {
          mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream, {.timeout = 60s});
          world.synchronize(stream, 60s);
        });
        ensure_words(said, {"rank 1 was seen to die", "all_reduce #1"});
      }
      host.barrier();
    });
  }
}
