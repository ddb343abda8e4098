// Calls that a group has run before are made again without their plans: with the data of the time, in graphs too, and
// only as long as the group would run them in the same way.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>

#include "../support/gpu/device_memory.hpp"
#include "../support/terms.hpp"
#include "gpu_check.hpp"

#ifdef MICS_FAKE_GPU
#include "../support/fake_gpu/fake_gpu.hpp"
#endif

namespace {

using namespace mics::test;
using mics::operation;

/// How many calls a group keeps.
class keeper : public mics::nccl::communicator_ref {
 public:
  explicit keeper(const communicator_ref& group) : communicator_ref(group) {}
  [[nodiscard]] std::size_t kept() const { return state()->repeats().size(); }
};

/// One collective on the same memory, again and again.
struct repeated_case {
  operation what;
  bool in_place;
  mics::collective_options options{};
};

std::vector<repeated_case> cases(const mics::group_shape& shape) {
  std::vector<repeated_case> all;
  for (const auto what : {operation::all_gather, operation::reduce_scatter, operation::all_reduce}) {
    for (const gpu_algorithm& asked : gpu_algorithms(what, shape.hierarchical())) {
      for (const bool in_place : {false, true}) all.push_back({what, in_place, asked.options(400)});
    }
  }
  return all;
}

/// The buffers of one case, and what they must hold after a call on the data of `seed`.
class repeated_call {
 public:
  static constexpr std::size_t count = 100;

  repeated_call(const mics::nccl::communicator_ref& group, const repeated_case& c, cudaStream_t stream)
      : group_(group),
        case_(c),
        stream_(stream),
        all_(static_cast<std::size_t>(group.size()) * count, stream),
        other_(static_cast<std::size_t>(group.size()) * count, stream) {}

  void write(std::uint64_t seed) const {
    const auto mine = terms<float>(mics::reduction::sum, group_.rank(), 0, all_.size(), seed);
    if (case_.what == operation::all_gather) {
      const auto shard = std::span<const float>(mine).first(count);
      case_.in_place ? all_.put(shard, own()) : other_.put(shard);
    } else {
      all_.put(mine);
    }
  }

  void enqueue() const {
    const auto shard_in_place = all_.all().subspan(own(), count), shard = other_.all().first(count);
    switch (case_.what) {
      case operation::all_gather:
        return mics::all_gather(group_, std::span<const float>(case_.in_place ? shard_in_place : shard), all_.all(),
                                stream_, case_.options);
      case operation::reduce_scatter:
        return mics::reduce_scatter(group_, std::span<const float>(all_.all()), case_.in_place ? shard_in_place : shard,
                                    mics::reduction::sum, stream_, case_.options);
      default:
        return mics::all_reduce(group_, std::span<const float>(all_.all()), case_.in_place ? all_.all() : other_.all(),
                                mics::reduction::sum, stream_, case_.options);
    }
  }

  void check(std::uint64_t seed, const std::string& when) const {
    group_.synchronize(stream_);
    const mics::rank_range ranks{0, group_.size(), 1};
    const bool gathers = case_.what == operation::all_gather, scatters = case_.what == operation::reduce_scatter;
    const bool in_all = gathers || case_.in_place;
    std::vector<float> got = in_all ? all_.get() : other_.get();
    const std::size_t first = scatters && in_all ? own() : 0, length = scatters ? count : all_.size();
    got = {got.begin() + static_cast<std::ptrdiff_t>(first), got.begin() + static_cast<std::ptrdiff_t>(first + length)};
    std::vector<float> wanted(length);
    for (std::size_t i = 0; i < length; ++i) {
      const auto block = static_cast<int>(i / count);
      wanted[i] = gathers ? static_cast<float>(term(mics::reduction::sum, block, i % count, seed))
                          : reduced<float>(mics::reduction::sum, ranks, scatters ? own() + i : i, seed);
    }
    const std::string wrong = difference<float>(got, wanted);
    ensure(wrong.empty(), std::string(name_of(case_.what)) + ", " + std::string(name_of(case_.options.how)) +
                              (case_.in_place ? ", in place, " : ", ") + when + ": " + wrong);
  }

 private:
  [[nodiscard]] std::size_t own() const { return static_cast<std::size_t>(group_.rank()) * count; }

  mics::nccl::communicator_ref group_;
  repeated_case case_;
  cudaStream_t stream_;
  device_array<float> all_;
  device_array<float> other_;
};

}  // namespace

TEST_CASE("the same call again and again has the results of its data") {
  for (const gpu_cluster& cluster : gpu_clusters()) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      for (const repeated_case& c : cases(world.shape())) {
        const repeated_call call(world, c, stream);
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
          call.write(seed);
          call.enqueue();
          call.check(seed, "time " + std::to_string(seed));
        }
      }
      ensure(keeper(world).kept() > 0, "calls are kept");
    });
  }
}

TEST_CASE("a call is kept from its second time on, but for those that need more than a recording holds") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const device_array<float> data(400, stream);
      const auto native = mics::collective_options{.how = mics::algorithm::native};
      const auto sum = [&] { mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream, native); };
      sum();
      ensure(keeper(world).kept() == 0, "not the first time");
      for (int i = 0; i < 3; ++i) sum();
      ensure(keeper(world).kept() == 1, "from the second on");
      for (int i = 0; i < 3; ++i) {
        mics::all_reduce(world, data.all().first(399), data.all().first(399), mics::reduction::sum, stream, native);
        mics::batch<mics::nccl::communicator_ref> batch(world);
        batch.all_reduce(data.all().first(100), data.all().first(100), mics::reduction::max);
        batch.all_reduce(data.all().last(100), data.all().last(100), mics::reduction::max);
        batch.run(stream);
      }
      ensure(keeper(world).kept() == 1, "no uneven blocks, no batches of several calls");
      for (int i = 0; i < 3; ++i) mics::barrier(world, stream);
      ensure(keeper(world).kept() == 2, "barriers");
      world.synchronize(stream);
      ensure_words(words_of<mics::usage_error>([&] {
                     mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream,
                                      {.how = mics::algorithm::native, .timeout = std::chrono::milliseconds(-1)});
                   }),
                   {"timeout", "-1"});
      ensure_words(words_of<mics::usage_error>([&] {
                     mics::all_reduce(world, data.all(), data.all(), mics::reduction::sum, stream,
                                      {.how = mics::algorithm::ring});
                   }),
                   {"ring"});
    });
  }
}

TEST_CASE("calls in temporary memory that was outgrown meanwhile, by turns in two streams") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream, other_stream;
      const repeated_case c{operation::reduce_scatter, false, {}};
      const repeated_call call(world, c, stream), other(world, c, other_stream);
      const device_array<float> large(std::size_t{400} << 8, stream);
      for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        call.write(seed);
        other.write(seed + 10);
        if (seed == 4) {
          const std::size_t block = large.size() / static_cast<std::size_t>(world.size());
          const auto shard = large.all().subspan(static_cast<std::size_t>(world.rank()) * block, block);
          mics::reduce_scatter(world, std::span<const float>(large.all()), shard, mics::reduction::sum, stream);
        }
        call.enqueue();
        other.enqueue();
        call.check(seed, "in its stream");
        other.check(seed + 10, "in the other stream");
      }
    });
  }
}

TEST_CASE("a call that was made again can be captured, and a graph of it runs") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const repeated_call call(world, {operation::all_reduce, true, {}}, stream);
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        call.write(seed);
        call.enqueue();
        call.check(seed, "before");
      }
      cudaGraph_t graph = nullptr;
      cudaGraphExec_t ready = nullptr;
      mics::nccl::check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
      call.enqueue();
      mics::nccl::check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
      mics::nccl::check(cudaGraphInstantiate(&ready, graph, 0), "cudaGraphInstantiate");
      for (std::uint64_t seed = 4; seed <= 6; ++seed) {
        call.write(seed);
        mics::nccl::check(cudaGraphLaunch(ready, stream), "cudaGraphLaunch");
        call.check(seed, "as a graph");
      }
      mics::nccl::check(cudaGraphExecDestroy(ready), "cudaGraphExecDestroy");
      mics::nccl::check(cudaGraphDestroy(graph), "cudaGraphDestroy");
    });
  }
}

TEST_CASE("kept calls are forgotten when the group runs them in another way: another table, more registered memory") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const repeated_call call(world, {operation::all_reduce, true, {}}, stream);
      const auto keep = [&] {
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
          call.write(seed);
          call.enqueue();
          call.check(seed, "kept");
        }
        ensure(keeper(world).kept() == 1, "it is kept");
      };
      keep();
      world.use({mics::nccl::machine_name(world.device()), {}});
      ensure(keeper(world).kept() == 0, "another table");
      if (world.shape().node_size == 1) return;
      keep();
      auto memory = std::make_unique<mics::nccl::registered_memory>(world, 1024);
      const bool windows = world.communicators() > 1;  // else it is plain memory
      ensure(!windows || keeper(world).kept() == 0, "more registered memory");
      keep();
      memory.reset();
      ensure(keeper(world).kept() == 0, "less of it");
    });
  }
}

#ifdef MICS_FAKE_GPU
TEST_CASE("what goes by windows does so when it is made again") {
  const int before = fake_gpu::window_reductions();
  on_gpus({2, 2}, [](gpu_host& host) {
    const auto world = host.world();
    const gpu_stream stream;
    const mics::nccl::registered_memory memory(world, 1024);
    const std::span<float> data = memory.as<float>();
    for (int i = 0; i < 5; ++i) mics::all_reduce(world, data, data, mics::reduction::sum, stream);
    world.synchronize(stream);
  });
  CHECK(fake_gpu::window_reductions() - before == (NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0) ? 2 * 5 : 0));
}
#endif
