// Collectives in CUDA graphs.

#include <chrono>
#include <cstddef>
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
using mics::nccl::check;

void begin_capture(cudaStream_t stream) {
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
}

/// What was captured, ready to run.
class replay {
 public:
  explicit replay(cudaStream_t captured) {
    check(cudaStreamEndCapture(captured, &graph_), "cudaStreamEndCapture");
    check(cudaGraphInstantiate(&ready_, graph_, 0), "cudaGraphInstantiate");
  }
  ~replay() {
    cudaGraphExecDestroy(ready_);
    cudaGraphDestroy(graph_);
  }
  replay(const replay&) = delete;
  replay& operator=(const replay&) = delete;

  void run(cudaStream_t stream) const { check(cudaGraphLaunch(ready_, stream), "cudaGraphLaunch"); }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t ready_ = nullptr;
};

/// An all-gather, an average and a reduce-scatter of it, as one batch.
struct step {
  step(const mics::nccl::communicator& comm, cudaStream_t on, mics::collective_options how = {})
      : world(comm), stream(on), n(static_cast<std::size_t>(comm.size())), options(how) {
    calls.all_gather(shard.all(), full.all())
        .all_reduce(terms.all(), means.all(), mics::reduction::avg)
        .reduce_scatter(inputs.all(), sum.all(), mics::reduction::sum);
  }

  void fill(float number) const {
    const float mine = number + static_cast<float>(world.rank());
    shard.put(std::vector<float>(count, mine));
    terms.put(std::vector<float>(count, mine));
    inputs.put(std::vector<float>(count * n, mine));
  }
  void verify(float number) const {
    float all = 0;
    for (std::size_t r = 0; r < n; ++r) all += number + static_cast<float>(r);
    const auto gathered = full.get(), mean = means.get(), sums = sum.get();
    for (std::size_t i = 0; i < gathered.size(); ++i) {
      ensure(gathered[i] == number + static_cast<float>(i / count), "gathered element " + std::to_string(i));
    }
    for (const float value : mean) ensure(value == all / static_cast<float>(n), "mean " + std::to_string(value));
    for (const float value : sums) ensure(value == all, "sum " + std::to_string(value));
  }

  void run() const { calls.run(stream, options); }

  static constexpr std::size_t count = 389;
  mics::nccl::communicator_ref world;
  cudaStream_t stream;
  std::size_t n;
  mics::collective_options options;
  device_array<float> shard{count, stream}, full{count * n, stream}, terms{count, stream}, means{count, stream},
      inputs{count * n, stream}, sum{count, stream};
  mics::batch<mics::nccl::communicator_ref> calls{world};
};

void capture_and_replay(const step& work) {
  begin_capture(work.stream);
  work.run();
  const replay captured(work.stream);
  for (const float number : {1.0f, 20.0f, 300.0f}) {
    work.fill(number);
    captured.run(work.stream);
    work.world.synchronize(work.stream);
    work.verify(number);
  }
}

}  // namespace

TEST_CASE("a captured batch runs again and again, on the data of the time") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const step work(world, stream);
      work.calls.prepare();
      const int made = world.communicators();
      capture_and_replay(work);
      ensure(world.communicators() == made, "nothing is made while capturing");
      work.fill(7);  // and directly, between replays
      work.calls.run(stream);
      world.synchronize(stream);
      work.verify(7);
    });
  }
}

TEST_CASE("stages that overlap can be captured, in the streams of both") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    if (cluster.world == cluster.node_size) continue;  // no stages
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const step work(world, stream, {.how = mics::algorithm::hierarchical, .chunk_bytes = 512});
      work.calls.prepare(work.options);
      capture_and_replay(work);
      work.fill(7);
      work.run();
      world.synchronize(stream);
      work.verify(7);
      capture_and_replay(work);
    });
  }
}

TEST_CASE("behind more operations than are remembered, whose end only the caller has seen") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const step work(world, stream);
      work.calls.prepare();
      for (int i = 0; i < 1100; ++i) mics::barrier(world, stream);
      check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
      begin_capture(stream);
      for (int i = 0; i < 10; ++i) work.run();
      const replay captured(stream);
      work.fill(3);
      captured.run(stream);
      world.synchronize(stream);
      work.verify(3);
    });
  }
}

TEST_CASE("a graph that lives keeps no error from its owner") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    if (cluster.world == 1) continue;
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const device_array<float> data(100, stream);
      const auto all_reduce = [&] { mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream); };
      all_reduce();
      world.synchronize(stream);
      {
        begin_capture(stream);
        all_reduce();
        const replay captured(stream);
        captured.run(stream);
        world.synchronize(stream);
        host.barrier();
        if (host.rank() == 0) {
          all_reduce();  // alone
          ensure_words(words_of<mics::timeout_error>([&] { world.synchronize(stream, std::chrono::seconds(1)); }),
                       {"no end after", "all_reduce"});
        }
        host.barrier();
      }
    });
  }
}

TEST_CASE("what ran once can be captured without prepare()") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const step work(world, stream);
      work.fill(5);
      work.calls.run(stream);
      world.synchronize(stream);
      work.verify(5);
      capture_and_replay(work);
    });
  }
}

TEST_CASE("the first use of its kind during a capture is refused, and leaves the capture and the group alone") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    if (cluster.world == cluster.node_size) continue;  // no stages, nothing to make
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const step work(world, stream);
      begin_capture(stream);
      const std::string said = words_of<mics::usage_error>([&] {
        mics::all_gather(world, work.shard.all(), work.full.all(), stream, {.how = mics::algorithm::hierarchical});
      });
      cudaGraph_t graph = nullptr;
      check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
      check(cudaGraphDestroy(graph), "cudaGraphDestroy");
      ensure_words(said, {"captured", "prepare()", "all_gather", "rank " + std::to_string(host.rank())});
      work.calls.prepare();
      capture_and_replay(work);
    });
  }
}

TEST_CASE("broadcasts and barriers can be captured") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const device_array<float> data(101, stream);
      const int root = host.size() - 1;
      for (const gpu_algorithm& asked : gpu_algorithms(mics::operation::broadcast, world.shape().hierarchical())) {
        const mics::collective_options how = asked.options(101 * sizeof(float));
        const auto work = [&] {
          mics::broadcast(world, data.all(), root, stream, how);
          mics::barrier(world, stream);
        };
        work();
        world.synchronize(stream);
        begin_capture(stream);
        work();
        const replay captured(stream);
        for (const float number : {1.0f, 20.0f}) {
          data.put(std::vector<float>(101, host.rank() == root ? number : 0));
          captured.run(stream);
          world.synchronize(stream);
          ensure(data.get() == std::vector<float>(101, number), "the root's numbers");
        }
      }
    });
  }
}

TEST_CASE("a training step's gradient synchronization can be captured") {
  if (mics::nccl::device_kernels().add == nullptr) {
    MESSAGE("left out: these tests were built without a compiler for CUDA");
    return;
  }
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const int p = host.size() % 2 == 0 ? 2 : 1;
      auto groups = mics::groups(world, {.partition_size = p});
      mics::gradient_sync sync(groups, mics::shard_layout({101, 2, 13}, p));
      const device_array<float> first(sync.layout().flat_elements(), stream), second(first.size(), stream);
      const auto step = [&] {
        sync.reset();
        sync.accumulate(first.all(), stream);
        sync.accumulate(second.all(), stream);
        sync.synchronize(stream);
      };
      step();
      world.synchronize(stream);
      begin_capture(stream);
      step();
      const replay captured(stream);
      for (const float number : {1.0f, 20.0f}) {
        first.put(std::vector<float>(first.size(), number + static_cast<float>(host.rank())));
        second.put(std::vector<float>(second.size(), 2 * number));
        captured.run(stream);
        world.synchronize(stream);
        const float mean = (3 * number + static_cast<float>(host.size() - 1) / 2) / 2;
        std::vector<float> shard(sync.shard().size());
        check(cudaMemcpyAsync(shard.data(), sync.shard().data(), sync.shard().size_bytes(), cudaMemcpyDeviceToHost,
                              stream),
              "read");
        check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
        for (const float value : shard) ensure(value == mean, std::to_string(value) + ", not " + std::to_string(mean));
      }
    });
  }
}

TEST_CASE("a group is not made while a graph is captured: an exception in words, and the world goes on") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      auto groups = mics::groups(world);
      begin_capture(stream);
      ensure_words(words_of<mics::usage_error>([&] { static_cast<void>(groups.partition()); }),
                   {"while a graph is captured", "make groups", "prepare()", "split", "group world",
                    "rank " + std::to_string(host.rank())});
      cudaGraph_t graph = nullptr;
      if (cudaStreamEndCapture(stream, &graph) == cudaSuccess) cudaGraphDestroy(graph);  // a real one is lost
      static_cast<void>(cudaGetLastError());
      host.barrier();
      ensure(groups.partition().size() == host.size(), "made after the capture");
      check_on_gpu(world, {0, world.size(), 1}, stream, {.what = mics::operation::all_gather, .count = 33});
    });
  }
}
