// Groups that share a device: what holds up one of them is found by whoever waits, through whichever group, and ended.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
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
using namespace std::chrono_literals;
using mics::nccl::communicator_ref;

int communicators_alive() {
#ifdef MICS_FAKE_GPU
  return fake_gpu::alive().communicators;
#else
  return 0;
#endif
}

/// A trainer in small: partitions of two ranks, replication groups, and one buffer.
struct trainer {
  explicit trainer(gpu_host& host) : world(host.world()), groups(world, {.partition_size = 2}) {
    for (const auto& group : {groups.world(), groups.partition(), groups.replication()}) {
      all_reduce(group, stream);
      all_reduce(group, stream);
    }
    world.synchronize(stream);
  }

  void all_reduce(const communicator_ref& group, cudaStream_t on) const {
    mics::all_reduce(group, data.all(), data.all(), mics::reduction::sum, on);
  }

  mics::nccl::communicator world;
  mics::groups<communicator_ref> groups;
  gpu_stream stream{}, other{};
  device_array<float> data{1000, stream};
};

/// Partitions work, but the last rank leaves out the third operation of its replication group, so rank 1 waits in vain:
/// `enqueue` puts it into a stream, `wait` gives up. All groups of rank 1 must be ended then.
void leave_out_hop_2(const std::function<void(trainer&)>& enqueue, const std::function<void(trainer&)>& wait) {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    if (cluster.world != 4) continue;
    on_gpus(cluster, [&](gpu_host& host) {
      const gpu_stream stream;
      {
        trainer job(host);
        if (host.rank() < 2) {
          for (int i = 0; i < 3; ++i) job.all_reduce(job.groups.partition(), job.stream);
        }
        if (host.rank() != 3) enqueue(job);
        if (host.rank() != 1) job.world.synchronize(job.stream);
        if (host.rank() != 1) job.world.synchronize(job.other);
        host.barrier();
        if (host.rank() == 1) {
          int its = 0;
          for (const auto& group : {job.groups.world(), job.groups.partition(), job.groups.replication()}) {
            its += group.communicators();
          }
          const int before = communicators_alive();
          wait(job);
          if (gpus_are_fake()) ensure(communicators_alive() == before - its, "all three groups are ended");
          const std::string said = words_of<mics::aborted_error>([&] { job.all_reduce(job.world, job.stream); });
          ensure_words(said, {"has failed", "group replication"});
          const gpu_stream fresh;  // the device is free
          const device_array<int> numbers(std::vector<int>(100, 7), fresh);
          ensure(numbers.get() == std::vector<int>(100, 7), "a copy");
        }
        host.barrier();
      }
      const auto again = host.world();
      check_on_gpu(again, {0, again.size(), 1}, stream, {.what = mics::operation::all_gather, .count = 33});
    });
  }
}

void hop_2(trainer& job) { job.all_reduce(job.groups.replication(), job.stream); }

/// The words of a deadline at the third operation of the replication group of rank 1.
void expect_hop_2(const std::string& said) {
  ensure_words(said, {"no end after", "group replication {", "all_reduce #3", "rank 1"});
}

}  // namespace

TEST_CASE("who waits through the partition is told that the replication group is stuck") {
  leave_out_hop_2(hop_2, [](trainer& job) {
    expect_hop_2(words_of<mics::timeout_error>([&] { job.groups.partition().synchronize(job.stream, 300ms); }));
  });
}

TEST_CASE("who waits through the world, too, with more of another group behind it") {
  leave_out_hop_2(
      [](trainer& job) {
        hop_2(job);
        if (job.world.rank() != 1) return;
        const int behind = gpus_are_fake() ? 600 : 1;  // as many as a trainer enqueues in a step
        for (int i = 0; i < behind; ++i) job.all_reduce(job.groups.partition(), job.stream);
      },
      [](trainer& job) {
        expect_hop_2(words_of<mics::timeout_error>([&] { job.world.synchronize(job.stream, 300ms); }));
        const std::string again =
            words_of<mics::aborted_error>([&] { job.groups.partition().synchronize(job.stream); });
        ensure_words(again, {"has failed", "group replication"});
      });
}

TEST_CASE("who waits for a stream that waits for another one") {
  leave_out_hop_2(
      [](trainer& job) {
        job.world.wait(job.other, job.world.record(job.stream));
        job.all_reduce(job.groups.replication(), job.other);
        job.world.wait(job.stream, job.world.record(job.other));
      },
      [](trainer& job) {
        expect_hop_2(words_of<mics::timeout_error>([&] { job.groups.partition().synchronize(job.stream, 300ms); }));
      });
}

TEST_CASE("a thread that works in another group of the family stops, and touches nothing that is gone") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const auto alone = world.split(host.rank(), 0, "alone");
      const gpu_stream stream, beside;
      const device_array<float> own(100, beside);
      mics::barrier(world, stream);
      world.synchronize(stream);
      host.barrier();
      if (host.rank() == 0) {
        std::atomic<int> rounds{0};
        std::string said;
        std::jthread worker([&] {
          mics::nccl::check(cudaSetDevice(alone.device()), "cudaSetDevice");
          try {
            for (;; ++rounds) {
              mics::all_reduce(alone, own.all(), own.all(), mics::reduction::sum, beside);
              alone.synchronize(beside);
            }
          } catch (const mics::error& e) {
            said = e.what();
          }
        });
        while (rounds == 0) std::this_thread::yield();
        mics::barrier(world, stream);
        ensure_words(words_of<mics::timeout_error>([&] { world.synchronize(stream, 500ms); }),
                     {"group world", "barrier #2"});
        worker.join();
        ensure(rounds > 0, "the other thread worked");
        ensure_words(said, {"rank 0", "barrier #2"});
      }
      host.barrier();
    });
  }
}

#ifdef MICS_FAKE_GPU
namespace {

/// Lets a test see what a communicator is a handle to.
struct opened : communicator_ref {
  explicit opened(const communicator_ref& comm) : communicator_ref(comm) {}
  [[nodiscard]] mics::nccl::member& get() const { return *state(); }
};

}  // namespace

TEST_CASE("calls that end at the moment of their deadline have either ended or been aborted") {
  on_gpus({1, 1}, [](gpu_host& host) {
    int late = 0;
    for (int i = 0; i < 300; ++i) {
      const auto world = host.world();
      mics::nccl::member& group = opened(world).get();
      try {
        mics::nccl::within_deadline({&group}, 1ms, group.where("a call"),
                                    [i] { std::this_thread::sleep_for(850us + i % 10 * 30us); });
        ensure(!group.aborted() && !group.failure()->is_set(), "it was in time, and is whole");
      } catch (const mics::timeout_error& e) {
        ++late;
        ensure(group.aborted(), "it was late, and is ended");
        ensure_words(e.what(), {"a call", "rank 0"});
      }
    }
    MESSAGE(late, " of 300 were late");
  });
}
#endif
