// Groups that go, or are ended, while their work waits for a rank that never comes.

#include <chrono>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include <mics/groups.hpp>
#include <mics/mics.hpp>
#include <mics/training.hpp>

#include "../support/gpu/device_memory.hpp"
#include "gpu_check.hpp"

#ifdef MICS_FAKE_GPU
#include "../support/fake_gpu/fake_gpu.hpp"
#endif

namespace {

using namespace mics::test;
using namespace std::chrono_literals;

/// The making is under this deadline, too.
std::chrono::milliseconds impatience() { return gpus_are_fake() ? 2s : 10s; }

/// A world, and a group split off from it, both of which have worked; rank 0 does `then` with them, which leaves an
/// operation that nobody else comes to.
template <class Then> void leave_work_behind(Then then) {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [&](gpu_host& host) {
      const gpu_stream stream;
      const device_array<float> data(1000, stream);
      const auto all_reduce = [&](const mics::nccl::communicator_ref& group) {
        mics::all_reduce(group, data.all(), data.all(), mics::reduction::sum, stream);
      };
      const auto meet = [&] {
        auto chosen = gpu_host::patient();
        chosen.timeout = impatience();
        const auto world = host.world(chosen);
        const auto part = world.split(0, host.rank(), "part");
        all_reduce(world);
        all_reduce(part);
        world.synchronize(stream);
        host.barrier();
        if (host.rank() == 0) {
          all_reduce(part);
          all_reduce(world);
          then(world, stream);
        }
        host.barrier();
      };
      std::string thrown;
      try {
        meet();
      } catch (const std::domain_error& e) {
        thrown = e.what();
        host.barrier();
      }
      ensure(thrown.empty() || host.rank() == 0, thrown);
      const auto fresh = host.world();
      check_on_gpu(fresh, {0, fresh.size(), 1}, stream, {.what = mics::operation::all_gather, .count = 33});
    });
  }
}

}  // namespace

TEST_CASE("with an exception: they are ended at their deadline, and the device is free") {
  leave_work_behind([](const auto&, cudaStream_t) { throw std::domain_error("of the caller's"); });
}

TEST_CASE("with an exception, when they are declared failed: they are ended at once") {
  leave_work_behind([](const auto& world, cudaStream_t) {
    world.fail("rank 1 was seen to die");
    throw std::domain_error("of the caller's");
  });
}

TEST_CASE("memory of the library's that goes before them, with an exception or when they have failed, does not wait") {
  if (mics::nccl::device_kernels().add == nullptr) {
    MESSAGE("left out: these tests were built without a compiler for CUDA");
    return;
  }
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    for (const bool thrown : {true, false}) {
      on_gpus(cluster, [&](gpu_host& host) {
        const gpu_stream stream;
        const device_array<float> gradients(100, stream);
        const auto train = [&] {
          auto chosen = gpu_host::patient();
          chosen.timeout = impatience();
          const auto world = host.world(chosen);
          const mics::nccl::registered_memory memory(world, 4096);
          auto groups = mics::groups(world, {.partition_size = host.size()});
          auto sync = mics::make_gradient_sync<float, float>(groups, mics::shard_layout({100}, host.size()));
          sync.accumulate(0, gradients.all(), stream);
          world.synchronize(stream);
          host.barrier();
          if (host.rank() == 0) {
            sync.accumulate(0, gradients.all(), stream);
            if (thrown) throw std::domain_error("of the caller's");
            world.fail("rank 1 was seen to die");
            return;
          }
          host.barrier();
        };
        try {
          train();
        } catch (const std::domain_error&) {
          ensure(thrown, "an exception");
        }
        if (host.rank() == 0) host.barrier();
      });
    }
  }
}

TEST_CASE("with an exception, out of an adopted communicator: what the library made is ended, the rest its owner's") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    const auto adopt = [](gpu_host& host) {
      const gpu_stream stream;
      const device_array<float> data(1000, stream);
      ncclComm_t own = nullptr;
      mics::nccl::check(ncclCommInitRank(&own, host.size(), host.unique_id(), host.rank()), "ncclCommInitRank");
      const auto work = [&] {
        auto chosen = gpu_host::patient();
        chosen.timeout = impatience();
        const mics::nccl::communicator_ref adopted(own, chosen);
        const auto part = adopted.split(0, host.rank(), "part");
        for (const mics::nccl::communicator_ref& group : {adopted, mics::nccl::communicator_ref(part)}) {
          mics::all_reduce(group, data.all(), data.all(), mics::reduction::sum, stream);
        }
        adopted.synchronize(stream);
        host.barrier();
        if (host.rank() == 0) {
          mics::all_reduce(adopted, data.all(), data.all(), mics::reduction::sum, stream);
          throw std::domain_error("of the caller's");
        }
        host.barrier();
      };
      if (host.rank() == 0) {
        ensure_words(words_of<std::domain_error>(work), {"of the caller's"});
        host.barrier();
      } else {
        work();
      }
      mics::nccl::check(ncclCommAbort(own), "ncclCommAbort");
    };
    on_gpus(cluster, adopt, leftovers::expected);  // what its work might still have used
  }
}

TEST_CASE("by a wait that is given up: all of a family as one, however long one of them would wait for another") {
  const auto give_up = [](const auto& world, cudaStream_t stream) {
    ensure_words(words_of<mics::timeout_error>([&] { world.synchronize(stream, 250ms); }), {"group part"});
  };
  leave_work_behind(give_up);
#ifdef MICS_FAKE_GPU
  const fake_gpu::older_library runs(NCCL_VERSION(2, 21, 5));  // does not group aborts
  leave_work_behind(give_up);
#endif
}
