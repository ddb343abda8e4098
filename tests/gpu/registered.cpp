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

void put(std::span<float> to, const std::vector<float>& values, cudaStream_t stream) {
  mics::nccl::check(
      cudaMemcpyAsync(to.data(), values.data(), values.size() * sizeof(float), cudaMemcpyHostToDevice, stream),
      "write");
  mics::nccl::check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
}

std::vector<float> get(std::span<float> from, cudaStream_t stream) {
  std::vector<float> values(from.size());
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
namespace {

/// Plays an older NCCL while it lives.
struct older_library {
  explicit older_library(int version) { fake_gpu::pretend_library(version); }
  ~older_library() { fake_gpu::pretend_library(NCCL_VERSION_CODE); }
  older_library(const older_library&) = delete;
  older_library& operator=(const older_library&) = delete;
};

}  // namespace

TEST_CASE("an NCCL older than the headers is asked for nothing that it has not") {
  for (const int version : {NCCL_VERSION(2, 18, 1), NCCL_VERSION(2, 26, 2), NCCL_VERSION(2, 27, 3)}) {
    const older_library runs(version);
    const int before = fake_gpu::copy_engine_collectives();
    for (const gpu_cluster& cluster : {gpu_cluster{4, 2}, gpu_cluster{2, 2}}) {
      on_gpus(cluster, [](gpu_host& host) { gather(host, 1, 4096); });
    }
    CHECK(fake_gpu::copy_engine_collectives() == before);
  }
  const older_library runs(NCCL_VERSION(2, 17, 1));
  on_gpus({2, 2}, [](gpu_host& host) {
    ensure_words(words_of<mics::usage_error>([&] { static_cast<void>(host.world()); }), {"NCCL 2.17 runs", "2.18"});
  });
}
#endif
