// Ranks that never come or are gone: who waits is told which operation of which group, and can make a new world.

#include <chrono>
#include <csignal>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include <mics/groups.hpp>
#include <mics/mics.hpp>

#include "../support/gpu/device_memory.hpp"
#include "gpu_check.hpp"

#ifndef MICS_FAKE_GPU
#include <mics/bootstrap/local.hpp>
#include <mics/transport/nccl/world.hpp>
#endif

namespace {

using namespace mics::test;
using namespace std::chrono_literals;

/// An operation that all make, then one that the last rank leaves out.
template <class Then> void leave_out_the_last(const gpu_cluster& wanted, mics::algorithm how, Then then) {
  for (const gpu_cluster& cluster : gpu_cluster_like(wanted.world, wanted.node_size)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [&](gpu_host& host) {
      const gpu_stream stream;
      const device_array<float> data(1000, stream);
      {
        auto chosen = gpu_host::patient();
        chosen.timeout = gpus_are_fake() ? 2s : 10s;  // of the making, too
        chosen.name = "doomed";
        auto world = host.world(chosen);
        const auto all_reduce = [&] {
          mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream, {.how = how});
        };
        all_reduce();
        world.synchronize(stream, 30s);
        host.barrier();
        if (host.rank() == host.size() - 1) {
          host.barrier();  // until the others have given up
        } else {
          all_reduce();
          then(world, stream);
          host.barrier();
        }
      }
      const auto fresh = host.world();
      check_on_gpu(fresh, {0, fresh.size(), 1}, stream, {.what = mics::operation::all_gather, .count = 33});
    });
  }
}

/// Every survivor gives up at its own deadline, or hears from another one that has.
void expect_deadline(const mics::nccl::communicator& world, cudaStream_t stream) {
  const std::string said = words_of<mics::error>([&] { world.synchronize(stream); });
  ensure_words(said, {"group doomed", "all_reduce #2", "rank "});
  const bool told = said.find("no end after") != std::string::npos || said.find("lost a peer") != std::string::npos;
  ensure(told, said);
  ensure_words(words_of<mics::aborted_error>([&] { world.synchronize(stream); }), {"this communicator has failed"});
}

}  // namespace

TEST_CASE("a rank that never comes, flat") { leave_out_the_last({4, 4}, mics::algorithm::native, expect_deadline); }

TEST_CASE("a rank that never comes, in stages") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    if (cluster.world > cluster.node_size) leave_out_the_last(cluster, mics::algorithm::hierarchical, expect_deadline);
  }
}

TEST_CASE("alone, the deadline gives a timeout_error") {
  leave_out_the_last({2, 2}, mics::algorithm::native, [](const auto& world, cudaStream_t stream) {
    const std::string said = words_of<mics::timeout_error>([&] { world.synchronize(stream, 250ms); });
    ensure_words(said, {"no end after 250 ms", "group doomed", "all_reduce #2", "rank 0"});
  });
}

TEST_CASE("another part of the program declares the group failed") {
  leave_out_the_last({2, 2}, mics::algorithm::native, [](const auto& world, cudaStream_t stream) {
    const mics::nccl::communicator_ref ref(world);
    const auto failure = ref.failure();
    std::jthread watch([failure] {
      std::this_thread::sleep_for(50ms);
      if (const auto known = failure.lock()) known->set("rank 1 was seen to die");
    });
    ensure_words(words_of<mics::aborted_error>([&] { world.synchronize(stream, 20s); }),
                 {"rank 1 was seen to die", "all_reduce #2", "group doomed"});
  });
}

TEST_CASE("a group that was split off fails with its world, and a blocking call keeps its deadline") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [](gpu_host& host) {
      auto chosen = gpu_host::patient();
      chosen.timeout = gpus_are_fake() ? 2s : 10s;
      const auto world = host.world(chosen);
      const auto group = world.split(0, host.rank(), "part");
      host.barrier();
      if (host.rank() == 0) {
        const std::vector<std::uint64_t> own{1, 2};
        ensure_words(words_of<mics::timeout_error>([&] { static_cast<void>(group.gather_numbers(own)); }),
                     {"no end after", "group part", "gather_numbers"});
        ensure_words(words_of<mics::aborted_error>([&] { static_cast<void>(world.rank()); }),
                     {"has failed", "group part"});
      }
      host.barrier();
    });
  }
}

TEST_CASE("an adopted communicator that waits in vain is left to its owner, who gets the error and can end it") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    const auto wait_in_vain = [](gpu_host& host) {
      ncclComm_t own = nullptr;
      mics::nccl::check(ncclCommInitRank(&own, host.size(), host.unique_id(), host.rank()), "ncclCommInitRank");
      {
        auto chosen = gpu_host::patient();
        chosen.timeout = gpus_are_fake() ? 2s : 10s;
        const mics::nccl::communicator_ref adopted(own, chosen);
        const std::vector<std::uint64_t> number{1};
        static_cast<void>(adopted.gather_numbers(number));  // NCCL has connected the ranks
        host.barrier();
        if (host.rank() == 0) {
          ensure_words(words_of<mics::timeout_error>([&] { static_cast<void>(adopted.split(0, 0)); }),
                       {"no end after", "split"});
        }
        host.barrier();
      }
      mics::nccl::check(ncclCommAbort(own), "ncclCommAbort");
    };
    on_gpus(cluster, wait_in_vain, leftovers::expected);  // what NCCL might still have written into
  }
}

TEST_CASE("a rank that never comes to a split, or to make the groups of the stages") {
  for (const bool stages : {false, true}) {
    for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
      if (cluster.world == cluster.node_size) continue;
      on_gpus(cluster, [&](gpu_host& host) {
        const gpu_stream stream;
        const device_array<float> data(1000, stream);
        auto chosen = gpu_host::patient();
        chosen.timeout = gpus_are_fake() ? 2s : 10s;
        const auto world = host.world(chosen);
        mics::barrier(world, stream);
        world.synchronize(stream);
        host.barrier();
        if (host.rank() != host.size() - 1) {
          const std::string said = words_of<mics::error>([&] {
            if (!stages) static_cast<void>(world.split(0, 0));
            mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream,
                             {.how = mics::algorithm::hierarchical});
          });
          ensure_words(said, {"group world", stages ? "all_reduce #" : "split"});
        }
        host.barrier();
      });
    }
  }
}

TEST_CASE("a rank that comes late to make a world") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [](gpu_host& host) {
      const ncclUniqueId id = host.unique_id();
      auto chosen = gpu_host::patient();
      chosen.node_size = host.size();
      chosen.name = "lonely";
      if (host.rank() == 0) {
        chosen.timeout = 300ms;
        const std::string said =
            words_of<mics::timeout_error>([&] { const mics::nccl::communicator world(id, 0, host.size(), chosen); });
        ensure_words(said, {"no end after 300 ms", "group lonely", "rank 0", "meeting the other ranks"});
      }
      host.barrier();
      if (host.rank() == 1) {
        const gpu_stream stream;
        static_cast<void>(words_of<mics::error>([&] {
          const mics::nccl::communicator world(id, 1, host.size(), chosen);
          mics::barrier(world, stream);
          world.synchronize(stream, gpus_are_fake() ? 20s : 3s);
        }));
      }
      host.barrier();
    });
  }
}

TEST_CASE("a duplicate of the caller's communicator keeps its deadlines, and the caller's survives") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [](gpu_host& host) {
      ncclComm_t own = nullptr;
      mics::nccl::check(ncclCommInitRank(&own, host.size(), host.unique_id(), host.rank()), "ncclCommInitRank");
      const gpu_stream stream;
      const device_array<float> data(std::vector<float>(1000, 1), stream);
      const auto all_reduce = [&](const auto& world) {
        mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream);
      };
      for (const int node_size : {0, host.size()}) {
        auto chosen = gpu_host::patient();
        chosen.name = "doomed";
        chosen.node_size = node_size;
        const auto world = mics::nccl::communicator::duplicate(own, chosen);
        ensure(world.rank() == host.rank() && world.native_handle() != own && world.communicators() == 1,
               "a duplicate");
        check_on_gpu(world, {0, world.size(), 1}, stream, {.what = mics::operation::all_gather, .count = 33});
        host.barrier();
        if (host.rank() == 0) {
          const std::string said = words_of<mics::timeout_error>([&] {
            all_reduce(world);
            world.synchronize(stream, 300ms);
          });
          ensure_words(said, {"no end after 300 ms", "group doomed", "all_reduce"});
        }
        host.barrier();
      }
      const device_array<int> ones(std::vector<int>(3, 1), stream);
      mics::nccl::check(ncclAllReduce(ones.data(), ones.data(), 3, ncclInt32, ncclSum, own, stream), "ncclAllReduce");
      mics::nccl::check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
      ensure(ones.get() == std::vector<int>(3, host.size()), "the caller's own sum");
      mics::nccl::check(ncclCommDestroy(own), "ncclCommDestroy");
    });
  }
}

TEST_CASE("a rank that never comes to duplicate a communicator, and one that comes late") {
  for (const bool late : {false, true}) {
    for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
      if (cluster.world == 1) continue;
      on_gpus(cluster, [&](gpu_host& host) {
        ncclComm_t own = nullptr;
        mics::nccl::check(ncclCommInitRank(&own, host.size(), host.unique_id(), host.rank()), "ncclCommInitRank");
        auto chosen = gpu_host::patient();
        chosen.name = "lonely";
        chosen.node_size = host.size();
        if (host.rank() == 0) {
          chosen.timeout = 300ms;
          const std::string said = words_of<mics::timeout_error>(
              [&] { static_cast<void>(mics::nccl::communicator::duplicate(own, chosen)); });
          ensure_words(said, {"no end after 300 ms", "abort the communicator", "group lonely", "rank 0", "splitting"});
        }
        host.barrier();
        if (host.rank() == 1 && late) {
          const gpu_stream stream;
          const device_array<float> data(1000, stream);
          static_cast<void>(words_of<mics::error>([&] {
            const auto world = mics::nccl::communicator::duplicate(own, chosen);
            mics::barrier(world, stream);
            world.synchronize(stream, gpus_are_fake() ? 20s : 3s);
          }));
        }
        host.barrier();
        mics::nccl::check(ncclCommAbort(own), "ncclCommAbort");
      });
    }
  }
}

#ifdef MICS_FAKE_GPU
TEST_CASE("a rank whose process is gone is noticed before the deadline") {
  for (const auto how : {mics::algorithm::native, mics::algorithm::hierarchical}) {
    on_gpus({4, 2}, [&](gpu_host& host) {
      const gpu_stream stream;
      const device_array<float> data(1000, stream);
      const auto world = host.world();
      mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream, {.how = how});
      world.synchronize(stream);
      host.barrier();
      if (host.rank() == 3) {
        world.fail("plays dead");
        return;  // its communicators are aborted
      }
      mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream, {.how = how});
      const std::string said = words_of<mics::transport_error>([&] { world.synchronize(stream); });
      ensure_words(said, {"lost a peer", "all_reduce #2", "group world", "closed its connections"});
    });
  }
}
#else
TEST_CASE("a rank that is killed is noticed, by name, and the survivors make a new world") {
  if (std::getenv("CUDA_MPS_PIPE_DIRECTORY") != nullptr) {
    MESSAGE("skipped: under MPS, who kills one of the processes that share a GPU ends them all");
    return;
  }
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    if (cluster.world == 1) continue;
    const auto body = [&](mics::bootstrap::session& job) {
      const int rank = job.rank(), last = job.size() - 1;
      int devices = 1;
      mics::nccl::check(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
      mics::nccl::check(cudaSetDevice(rank % cluster.node_size % devices), "cudaSetDevice");
      const gpu_stream stream;
      const device_array<float> data(1000, stream);
      {
        ::setenv("NCCL_HOSTID", ("mics-test-node-" + std::to_string(rank / cluster.node_size)).c_str(), 1);
        ::setenv("NCCL_SOCKET_IFNAME", "lo", 0);
        const auto world = mics::nccl::make_world(job, gpu_host::patient());
        mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream);
        world.synchronize(stream);
        job.barrier();
        if (rank != last) mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream);
        job.barrier();
        if (rank == last) ::kill(::getpid(), SIGKILL);
        const std::string said = words_of<mics::error>([&] { world.synchronize(stream); });
        ensure_words(said, {"rank " + std::to_string(last), "group world", "all_reduce #2"});
      }
      // The session is over with the dead rank; a world of one shows that the process and its device are free.
      const mics::nccl::communicator alone(mics::nccl::unique_id(), 0, 1, gpu_host::patient());
      check_on_gpu(alone, {0, 1, 1}, stream, {.what = mics::operation::all_gather, .count = 33});
      std::printf("rank %d survived\n", rank);
    };
    try {
      mics::bootstrap::local::spawn(
          cluster.world, body,
          {.nodes = cluster.world / cluster.node_size, .timeout = 60s, .limit = 100s, .grace = 40s});
      FAIL("nobody was killed");
    } catch (const mics::bootstrap::local::spawn_error& e) {
      INFO(std::string(e.what()));
      REQUIRE(e.failures().size() == 1);  // the survivors ended well
      CHECK(e.failures()[0].rank == cluster.world - 1);
      CHECK(e.failures()[0].signal == SIGKILL);
    }
  }
}
#endif
