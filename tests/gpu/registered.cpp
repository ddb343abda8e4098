// Memory that the ranks of a node reach directly.

#include <algorithm>
#include <cstddef>
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

template <class T> void put(std::span<T> to, const std::vector<T>& values, cudaStream_t stream) {
  mics::nccl::check(
      cudaMemcpyAsync(to.data(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice, stream), "write");
  mics::nccl::check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
}

template <class T> std::vector<T> get(std::span<T> from, cudaStream_t stream) {
  std::vector<T> values(from.size());
  mics::nccl::check(cudaMemcpyAsync(values.data(), from.data(), from.size_bytes(), cudaMemcpyDeviceToHost, stream),
                    "read");
  mics::nccl::check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  return values;
}

/// Gathers into registered memory, in place and not, with every algorithm and rows by copy engines or not.
void gather(gpu_host& host, std::size_t copy_engine_bytes, std::size_t count) {
  auto chosen = gpu_host::patient();
  chosen.copy_engine_bytes = copy_engine_bytes;
  const auto world = host.world(chosen);
  const gpu_stream stream;
  const auto n = static_cast<std::size_t>(host.size()), me = static_cast<std::size_t>(host.rank());
  mics::nccl::registered_memory memory(world, (n + 1) * count * sizeof(float));
  ensure(memory.size_bytes() == (n + 1) * count * sizeof(float), "the size");
  const auto full = memory.as<float>().first(n * count);
  for (const gpu_algorithm& asked : gpu_algorithms(mics::operation::all_gather, world.shape().hierarchical())) {
    for (const int form : {0, 1, 2}) {  // in place, out of plain memory, out of registered memory
      std::vector<float> wanted;
      for (std::size_t r = 0; r < n; ++r) {
        const auto block = any_bits<float>(static_cast<int>(r), count, static_cast<std::uint64_t>(form));
        wanted.insert(wanted.end(), block.begin(), block.end());
      }
      const auto own = static_cast<std::ptrdiff_t>(me * count);
      const std::vector<float> mine(wanted.begin() + own, wanted.begin() + own + static_cast<std::ptrdiff_t>(count));
      put(full, std::vector<float>(n * count), stream);
      const device_array<float> plain(mine, stream);
      const auto in_place = full.subspan(me * count, count), beside = memory.as<float>().subspan(n * count, count);
      const std::span<const float> shard = form == 0 ? in_place : form == 1 ? plain.all() : beside;
      if (form == 0) put(in_place, mine, stream);
      put(beside, mine, stream);
      mics::all_gather(world, shard, full, stream, asked.options(count * sizeof(float)));
      world.synchronize(stream);
      const std::string wrong = difference<float>(get(full, stream), wanted);
      ensure(wrong.empty(), std::string(name_of(asked.how)) + " " + std::string(name_of(asked.on_rail)) + ", " +
                                std::to_string(asked.pieces) + " pieces, form " + std::to_string(form) + ": " + wrong);
    }
  }
  mics::nccl::registered_memory other(world, 16);
  other = std::move(memory);
  ensure(memory.data() == nullptr && other.data() != nullptr, "the memory moves with its owner");
}

/// Reduces inside the nodes, out of registered memory into registered memory, in place and not; behind the result there
/// is something that must not change.
template <class T>
void reduce(const mics::nccl::communicator& world, const mics::nccl::communicator_ref& node, std::size_t count) {
  const int node_size = node.size();
  const auto k = static_cast<std::size_t>(node_size), me = static_cast<std::size_t>(node.rank());
  const mics::rank_range members{world.rank() - node.rank(), node_size, 1};
  const gpu_stream stream;
  constexpr std::size_t untouched = 5;
  const mics::nccl::registered_memory memory(node, ((2 * k * count + 15) / 16 * 16 + untouched) * sizeof(T));
  const std::span<T> all = memory.as<T>(), input = all.first(k * count), behind = all.last(untouched);
  const std::vector<T> stays = any_bits<T>(world.rank(), untouched, 3);
  for (const auto how : {mics::reduction::sum, mics::reduction::max}) {
    std::vector<T> wanted(k * count);
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = reduced<T>(how, members, i, 4);
    const auto check = [&](std::span<T> got, std::size_t first, const std::string& what) {
      world.synchronize(stream);
      const std::vector<T> here(wanted.begin() + static_cast<std::ptrdiff_t>(first),
                                wanted.begin() + static_cast<std::ptrdiff_t>(first + got.size()));
      std::string wrong = difference<T>(get(got, stream), here);
      if (wrong.empty() && !difference<T>(get(behind, stream), stays).empty()) wrong = "what lies behind it changed";
      ensure(wrong.empty(), what + ", " + std::to_string(count) + " elements a rank: " + wrong);
    };
    for (const bool in_place : {false, true}) {
      const auto start = [&] {
        put(behind, stays, stream);
        put(input, terms<T>(how, world.rank(), 0, k * count, 4), stream);
      };
      const std::string form = std::string(name_of(how)) + (in_place ? " in place" : "");
      const std::span<T> shard = in_place ? input.subspan(me * count, count) : all.last(count + untouched).first(count);
      start();
      mics::reduce_scatter(node, std::span<const T>(input), shard, how, stream);
      check(shard, me * count, "reduce_scatter, " + form);
      const std::span<T> full = in_place ? input : all.last(k * count + untouched).first(k * count);
      start();
      mics::all_reduce(node, std::span<const T>(input), full, how, stream);
      check(full, 0, "all_reduce, " + form);
    }
  }
}

}  // namespace

TEST_CASE("gathers into registered memory, by multiprocessors") {
  for (const gpu_cluster& cluster : gpu_clusters()) {
    on_gpus(cluster, [](gpu_host& host) {
      for (const std::size_t count : {4096U, 4099U, 0U}) gather(host, std::size_t{1} << 40, count);
    });
  }
}

TEST_CASE("gathers into registered memory, by copy engines") {
  for (const gpu_cluster& cluster : gpu_clusters()) {
#ifdef MICS_FAKE_GPU
    const int before = fake_gpu::copy_engine_collectives();
#endif
    on_gpus(cluster, [](gpu_host& host) {
      for (const std::size_t count : {4096U, 4099U, 0U}) gather(host, 1, count);
    });
#ifdef MICS_FAKE_GPU
    const bool shares_nodes = cluster.node_size > 1 && cluster.world % cluster.node_size == 0;
    const bool has_copy_engines = NCCL_VERSION_CODE >= NCCL_VERSION(2, 28, 0);
    CHECK((fake_gpu::copy_engine_collectives() > before) == (shares_nodes && has_copy_engines));
#endif
  }
}

#ifdef MICS_FAKE_GPU
TEST_CASE("a large gather into registered memory moves whole blocks, for windows") {
  const int before = fake_gpu::copy_engine_collectives();
  on_gpus({4, 2}, [](gpu_host& host) {
    auto chosen = gpu_host::patient();
    chosen.copy_engine_bytes = 1;
    const auto world = host.world(chosen);
    const gpu_stream stream;
    const std::size_t shard = (std::size_t{4} << 20) / sizeof(float);
    const mics::nccl::registered_memory memory(world, 4 * shard * sizeof(float));
    const std::span<float> full = memory.as<float>();
    const auto bytes = full.size_bytes();
    ensure(mics::plan_for(world, mics::operation::all_gather, bytes).chunks() > 1, "the plan of other memory");
    mics::all_gather(world, full.subspan(static_cast<std::size_t>(world.rank()) * shard, shard), full, stream);
    world.synchronize(stream);
  });
  const bool has_copy_engines = NCCL_VERSION_CODE >= NCCL_VERSION(2, 28, 0);
  CHECK(fake_gpu::copy_engine_collectives() - before == (has_copy_engines ? 2 * 4 : 0));  // two rows on each rank
}
#endif

TEST_CASE("sums inside a node, of registered memory") {
  for (const gpu_cluster& cluster : gpu_clusters()) {
    if (cluster.world % cluster.node_size != 0) continue;
    const auto everywhere = [&](auto reduce_all) {
      const auto on_rank = [&](gpu_host& host) {
        const auto world = host.world();
        mics::groups groups(world, {.partition_size = cluster.node_size});
        reduce_all(world, groups.partition());
      };
#ifdef MICS_FAKE_GPU
      const int before = fake_gpu::window_reductions();
#endif
      on_gpus(cluster, on_rank);
#ifdef MICS_FAKE_GPU
      return fake_gpu::window_reductions() - before;
#else
      return 0;
#endif
    };
    const int served = everywhere([](const auto& world, const auto& node) {
      reduce<float>(world, node, 4096);
      reduce<mics::bfloat16>(world, node, 264);
      reduce<mics::float16>(world, node, 8);
    });
    const int others = everywhere([](const auto& world, const auto& node) {  // no kernel for windows has these
      reduce<float>(world, node, 4099);
      reduce<std::int32_t>(world, node, 4096);
      reduce<double>(world, node, 512);
      reduce<mics::bfloat16>(world, node, 0);
    });
    if (!gpus_are_fake()) continue;
    CHECK(others == 0);
    const bool has_windows = NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0) && cluster.node_size > 1;
    CHECK(served == (has_windows ? cluster.world * 3 * 4 : 0));  // types; two operations in both forms, the sums only
  }
}

#ifdef MICS_FAKE_GPU
TEST_CASE("an NCCL older than the headers is asked for nothing that it has not") {
  for (const int version : {NCCL_VERSION(2, 18, 1), NCCL_VERSION(2, 26, 2), NCCL_VERSION(2, 27, 3)}) {
    const fake_gpu::older_library runs(version);
    const int before = fake_gpu::copy_engine_collectives();
    for (const gpu_cluster& cluster : {gpu_cluster{4, 2}, gpu_cluster{2, 2}}) {
      on_gpus(cluster, [](gpu_host& host) { gather(host, 1, 4096); });
    }
    CHECK(fake_gpu::copy_engine_collectives() == before);
  }
  const fake_gpu::older_library runs(NCCL_VERSION(2, 17, 1));
  on_gpus({2, 2}, [](gpu_host& host) {
    ensure_words(words_of<mics::usage_error>([&] { static_cast<void>(host.world()); }), {"NCCL 2.17 runs", "2.18"});
  });
}
#endif
