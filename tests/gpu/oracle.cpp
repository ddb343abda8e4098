// Every operation, type, reduction, algorithm and form over NCCL, against what it means.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>

#include "../support/geometries.hpp"
#include "../support/gpu/device_memory.hpp"
#include "../support/random.hpp"
#include "gpu_check.hpp"

namespace {

using namespace mics::test;
using mics::operation;

constexpr operation moves[] = {operation::all_gather, operation::broadcast};
constexpr operation sums[] = {operation::reduce_scatter, operation::all_reduce};
constexpr operation all_operations[] = {operation::all_gather, operation::reduce_scatter, operation::all_reduce,
                                        operation::broadcast, operation::barrier};

std::vector<mics::reduction> reductions_of(mics::data_type type) {
  using enum mics::reduction;
  return mics::is_integer(type) ? std::vector{sum, min, max, prod} : std::vector{sum, avg, min, max, prod};
}

bool only_copied(mics::data_type type) {
  return !mics::is_reducible(type) || type == mics::data_type::int16 || type == mics::data_type::uint16;
}

template <class F> void for_each_type(F f) {
  for (int t = 0; t < mics::data_type_count; ++t) f(static_cast<mics::data_type>(t));
}

/// The cases of one group, the same on all its ranks.
class sweep {
 public:
  sweep(const mics::nccl::communicator_ref& group, const mics::rank_range& ranks, cudaStream_t stream)
      : group_(group), ranks_(ranks), stream_(stream) {}

  /// One case with each algorithm, in forms that follow from a running number.
  void run(collective_case c) {
    for (const gpu_algorithm& asked : gpu_algorithms(c.what, group_.shape().hierarchical())) {
      const std::uint64_t form = (++number_ * 0x9e3779b97f4a7c15) >> 32;  // all forms meet all algorithms
      const bool one_block_a_rank = c.what == operation::all_gather || c.what == operation::reduce_scatter;
      const std::size_t blocks = c.what == operation::all_reduce ? static_cast<std::size_t>(group_.size()) : 1;
      c.options = asked.options(c.count / blocks * size_of(c.type));
      c.in_place = form % 2 == 0;
      c.run_time_typed = form / 2 % 2 == 0;
      c.uneven = form / 4 % 5 == 0 && one_block_a_rank;
      c.root = static_cast<int>(number_) % group_.size();
      c.seed = number_;
      check_on_gpu(group_, ranks_, stream_, c);
    }
  }

  void every_type() {
    for_each_type([&](mics::data_type type) {
      for (const operation what : moves) run({.what = what, .count = 101, .type = type});
      if (only_copied(type)) return;
      for (const operation what : sums) {
        const std::size_t count = what == operation::all_reduce ? 431 : 79;
        for (const auto reduce : reductions_of(type)) {
          run({.what = what, .count = count, .type = type, .reduce = reduce});
        }
      }
    });
  }

  void every_size(const std::vector<std::size_t>& counts) {
    for (const operation what : all_operations) {
      for (const std::size_t count : counts) {
        for (int form = 0; form < 2; ++form) run({.what = what, .count = count});
      }
    }
  }

 private:
  mics::nccl::communicator_ref group_;
  mics::rank_range ranks_;
  cudaStream_t stream_;
  std::uint64_t number_ = 0;
};

}  // namespace

TEST_CASE("every operation, type, reduction and algorithm") {
  for (const gpu_cluster& cluster : gpu_clusters()) {
    on_gpus(cluster, [&](gpu_host& host) {
      const auto world = host.world();
      ensure(world.size() == cluster.world, "the size of the world");
      const bool even = cluster.world % cluster.node_size == 0;
      ensure(world.shape().nodes == (even ? cluster.world / cluster.node_size : 1), "the nodes of the world");
      const gpu_stream stream;
      sweep all(world, {0, world.size(), 1}, stream);
      all.every_type();
      all.every_size({0, 1, 3, 13, 4097});
    });
  }
}

TEST_CASE("large odd sizes") {
  for (const gpu_cluster& cluster : gpu_clusters()) {
    if (gpus_are_fake() && cluster.world > 8) continue;
    on_gpus(cluster, [&](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      sweep all(world, {0, world.size(), 1}, stream);
      const std::size_t whole = gpus_are_fake() ? 100'003 : 1'000'003;
      const std::size_t shard = whole / static_cast<std::size_t>(world.size()) | 1;
      for (const operation what : {operation::all_gather, operation::reduce_scatter}) {
        all.run({.what = what, .count = shard});
        all.run({.what = what, .count = shard});
      }
      for (const operation what : {operation::all_reduce, operation::broadcast}) {
        all.run({.what = what, .count = whole});
        all.run({.what = what, .count = whole});
      }
    });
  }
}

TEST_CASE("of large calls the stages overlap, unless somebody knows better") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    if (cluster.world == cluster.node_size) continue;
    on_gpus(cluster, [&](gpu_host& host) {
      const auto world = host.world();
      const auto pieces = [&](operation what, std::size_t bytes, std::size_t chunk = 0) {
        return mics::plan_for(world, what, bytes, mics::algorithm::automatic, chunk, sizeof(float)).chunks();
      };
      constexpr std::size_t MiB = std::size_t{1} << 20;
      for (const operation what : {operation::all_gather, operation::reduce_scatter, operation::all_reduce}) {
        ensure(pieces(what, 8 * MiB) == 1, "small");
        ensure(pieces(what, 16 * MiB) == 2, "pieces that are not too small");
        ensure(pieces(what, 1024 * MiB) == 8, "few pieces");
        ensure(pieces(what, 1024 * MiB, 1024 * MiB) == 1, "as the caller wants it");
      }
      ensure(pieces(operation::broadcast, 1024 * MiB) == 1, "no stages");
      const gpu_stream stream;
      const std::size_t shard = 16 * MiB / sizeof(float) / 4 + 1;
      const auto run = [&](operation what, std::size_t count) {
        check_on_gpu(world, {0, world.size(), 1}, stream, {.what = what, .count = count});
      };
      run(operation::all_gather, shard);
      run(operation::reduce_scatter, shard);
      run(operation::all_reduce, 4 * shard + 1);
    });
  }
}

TEST_CASE("groups of every partition size, and the groups inside them") {
  for (const gpu_cluster& cluster : gpu_clusters()) {
    on_gpus(cluster, [&](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      for (const int p : divisors(cluster.world)) {
        auto groups = mics::groups(world, {.partition_size = p});
        sweep partition(groups.partition(), groups.topology().partition_of(world.rank()), stream);
        partition.every_size({1, 37});
        sweep replication(groups.replication(), groups.topology().replication_of(world.rank()), stream);
        replication.every_size({5});
        if (!groups.partition().shape().hierarchical()) continue;
        sweep node(groups.node(), groups.topology().node_group_of(world.rank()), stream);
        node.every_size({3});
        sweep rail(groups.rail(), groups.topology().rail_group_of(world.rank()), stream);
        rail.every_size({3});
      }
    });
  }
}

TEST_CASE("a hierarchical call has the rail stage that was asked for, and takes the memory that its plan says") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    if (cluster.world == cluster.node_size) continue;
    on_gpus(cluster, [&](gpu_host& host) {
      const auto world = host.world();
      using enum mics::algorithm;
      const auto plan_of = [&](operation what, mics::algorithm on_rail, std::size_t chunk = 0) {
        return mics::detail::make_plan(world, {.what = what,
                                               .bytes = 4000,
                                               .block_bytes = 1000,
                                               .how = hierarchical,
                                               .chunk_bytes = chunk,
                                               .on_rail = on_rail});
      };
      const auto nodes = static_cast<std::size_t>(world.shape().nodes);
      for (const operation what : {operation::all_gather, operation::reduce_scatter}) {
        for (const mics::algorithm form : {direct, native}) {
          ensure(plan_of(what, form).on_rail() == form, std::string(name_of(form)));
        }
        ensure(plan_of(what, native).temporary_bytes() == 1000 * nodes, "a row a node for native");
        ensure_words(words_of<mics::usage_error>([&] { plan_of(what, ring); }), {"ring", "direct", "native"});
      }
      ensure(plan_of(operation::all_gather, direct).temporary_bytes() == 0, "no rows for a direct gather");
      ensure(plan_of(operation::reduce_scatter, direct).temporary_bytes() == 1000 * (2 * nodes - 1),
             "a row a node, and the messages");
      ensure(plan_of(operation::reduce_scatter, direct, 300).on_rail() == native, "pieces are reduced by NCCL");
    });
  }
}

TEST_CASE("by the built-in rules blocks of tens of KiB cross the rail as messages, sums only where there are kernels") {
  for (const gpu_cluster& cluster : {gpu_cluster{4, 2}, gpu_cluster{8, 2}}) {
    for (const gpu_cluster& here : gpu_cluster_like(cluster.world, cluster.node_size)) {
      on_gpus(here, [](gpu_host& host) {
        const auto world = host.world();
        if (!world.shape().hierarchical()) return;
        const bool kernels = mics::nccl::device_kernels().sum != nullptr, two = world.shape().nodes == 2;
        const auto by_messages = [&](operation what, std::size_t bytes) {
          const mics::plan made = mics::plan_for(world, what, bytes);
          return made.how() == mics::algorithm::hierarchical && made.on_rail() == mics::algorithm::direct;
        };
        const std::size_t KiB = 1024;
        ensure(by_messages(operation::all_gather, 64 * KiB), "a gather of 64 KiB");
        ensure(!by_messages(operation::all_gather, 16 * KiB), "one of 16 KiB");
        ensure(!by_messages(operation::all_gather, 64 * 1024 * KiB), "one of 64 MiB");
        ensure(by_messages(operation::reduce_scatter, 64 * KiB) == kernels, "sums of 64 KiB");
        ensure(!by_messages(operation::reduce_scatter, 1024 * KiB), "sums of 1 MiB");
        ensure(by_messages(operation::all_reduce, 64 * KiB) == (kernels && two), "an all-reduce of 64 KiB");
        ensure(!by_messages(operation::all_reduce, 1024 * KiB), "one of 1 MiB");
      });
    }
  }
}

TEST_CASE("sums cross the rail as messages where a kernel can add them up, else as a collective") {
  using mics::data_type;
  using mics::reduction;
  struct some_sum {
    data_type type;
    reduction how;
    bool has_kernel;
  };
  const bool kernels = mics::nccl::device_kernels().sum != nullptr;
  for (const gpu_cluster& cluster : gpu_clusters()) {
    if (cluster.world > 8 || cluster.node_size == 1) continue;
    on_gpus(cluster, [&](gpu_host& host) {
      const auto world = host.world();
      if (!world.shape().hierarchical()) return;
      const gpu_stream stream;
      const auto padded = [](std::size_t bytes) { return (bytes + 255) / 256 * 256; };
      for (const some_sum& one :
           {some_sum{data_type::float32, reduction::sum, true}, some_sum{data_type::bfloat16, reduction::sum, true},
            some_sum{data_type::float64, reduction::avg, true}, some_sum{data_type::float32, reduction::max, false},
            some_sum{data_type::int32, reduction::sum, false}}) {
        for (const auto what : {operation::reduce_scatter, operation::all_reduce}) {
          const auto group = world.split(0, world.rank());  // which has no memory yet
          check_on_gpu(group, {0, group.size(), 1}, stream,
                       {.what = what,
                        .count = 960,
                        .type = one.type,
                        .reduce = one.how,
                        .options = {.how = mics::algorithm::hierarchical, .on_rail = mics::algorithm::direct}});
          const auto nodes = static_cast<std::size_t>(group.shape().nodes);
          const auto node_size = static_cast<std::size_t>(group.shape().node_size);
          const bool messages = kernels && one.has_kernel;
          const std::size_t block = 960 * size_of(one.type);
          const std::size_t wanted = what == operation::reduce_scatter
                                         ? padded(block * (messages ? 2 * nodes - 1 : nodes))
                                     : messages && nodes == 2 ? padded(block / node_size)
                                                              : 0;
          ensure(group.scratch_bytes() == wanted, std::string(name_of(what)) + " of " + std::string(name_of(one.type)) +
                                                      " took " + std::to_string(group.scratch_bytes()) +
                                                      " bytes, not " + std::to_string(wanted));
        }
      }
    });
  }
}

TEST_CASE("8-bit floats are copied, and their reductions refused in words") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    on_gpus(cluster, [&](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const device_array<unsigned char> data(8, stream);
      for (const auto type : {mics::data_type::float8_e4m3, mics::data_type::float8_e5m2}) {
        const std::string said = words_of<mics::usage_error>(
            [&] { mics::all_reduce(world, data.data(), data.data(), 8, type, mics::reduction::sum, stream); });
        ensure_words(said, {std::string(name_of(type)), "never reduced", "allowed: int8,",
                            "rank " + std::to_string(host.rank())});
      }
      sweep after(world, {0, world.size(), 1}, stream);
      after.every_size({5});  // nothing is stuck
    });
  }
}

TEST_CASE("16-bit integers are copied, and their reductions refused in words") {
  for (const gpu_cluster& cluster : gpu_cluster_like(2, 2)) {
    on_gpus(cluster, [&](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      for (const auto type : {mics::data_type::int16, mics::data_type::uint16}) {
        for (const operation what : sums) {
          const std::string said = words_of<mics::usage_error>([&] {
            check_on_gpu(world, {0, world.size(), 1}, stream, {.what = what, .count = 8, .type = type});
          });
          ensure_words(said, {"NCCL cannot reduce", std::string(name_of(type)), "rank " + std::to_string(host.rank())});
        }
      }
      sweep after(world, {0, world.size(), 1}, stream);
      after.every_size({5});  // nothing is stuck
    });
  }
}
