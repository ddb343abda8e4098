// Batches over NCCL: calls of mixed operations, types and sizes as one launch, packed for the rail stage and not.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <mics/mics.hpp>

#include "../support/gpu/device_memory.hpp"
#include "../support/random.hpp"
#include "../support/terms.hpp"
#include "gpu_check.hpp"

namespace {

using namespace mics::test;
using mics::operation;
using world_batch = mics::batch<mics::nccl::communicator_ref>;
using check_later = std::function<std::string()>;

/// Looks at the result of a call, once it has run.
template <class T> check_later verify(std::shared_ptr<device_array<T>> output, std::vector<T> wanted) {
  return [=] { return difference<T>(output->get(), wanted); };
}

/// Adds a gather or a broadcast to a batch; what is returned looks at its result.
template <class T>
check_later add_move(world_batch& to, const mics::nccl::communicator_ref& world, const collective_case& c,
                     cudaStream_t stream) {
  const auto size = static_cast<std::size_t>(world.size()), me = static_cast<std::size_t>(world.rank());
  if (c.what == operation::broadcast) {
    const auto wanted = any_bits<T>(c.root, c.count, c.seed);
    const auto data =
        std::make_shared<device_array<T>>(world.rank() == c.root ? wanted : std::vector<T>(c.count), stream);
    to.broadcast(data->data(), c.count, c.type, c.root);
    return verify(data, wanted);
  }
  std::vector<T> wanted;
  for (std::size_t r = 0; r < size; ++r) {
    const auto block = any_bits<T>(static_cast<int>(r), c.count, c.seed);
    wanted.insert(wanted.end(), block.begin(), block.end());
  }
  const auto mine = std::span<const T>(wanted).subspan(me * c.count, c.count);
  const auto full = std::make_shared<device_array<T>>(wanted.size(), stream);
  const auto shard = std::make_shared<device_array<T>>(c.count, stream);
  full->put(mine, c.in_place ? me * c.count : 0);
  shard->put(mine);
  const T* const from = c.in_place ? full->data() + me * c.count : shard->data();
  to.all_gather(from, full->data(), c.count, c.type);
  return [=, keep = shard] { return verify(full, wanted)(); };
}

/// The same for a reduce-scatter or an all-reduce.
template <class T>
check_later add_sum(world_batch& to, const mics::nccl::communicator_ref& world, const collective_case& c,
                    cudaStream_t stream) {
  const mics::rank_range ranks{0, world.size(), 1};
  const auto size = static_cast<std::size_t>(world.size()), me = static_cast<std::size_t>(world.rank());
  if (c.what == operation::all_reduce) {
    const auto data = std::make_shared<device_array<T>>(terms<T>(c.reduce, world.rank(), 0, c.count, c.seed), stream);
    to.all_reduce(data->data(), data->data(), c.count, c.type, c.reduce);
    return verify(data, all_reduced<T>(c.reduce, ranks, 0, c.count, c.seed));
  }
  const auto input =
      std::make_shared<device_array<T>>(terms<T>(c.reduce, world.rank(), 0, c.count * size, c.seed), stream);
  const auto shard = std::make_shared<device_array<T>>(c.count, stream);
  to.reduce_scatter(input->data(), shard->data(), c.count, c.type, c.reduce);
  return [=, keep = input] { return verify(shard, all_reduced<T>(c.reduce, ranks, me * c.count, c.count, c.seed))(); };
}

check_later add(world_batch& to, const mics::nccl::communicator_ref& world, const collective_case& c,
                cudaStream_t stream) {
  if (c.reduces()) {
    return mics::visit_reducible_type(c.type,
                                      [&]<class T>(std::type_identity<T>) { return add_sum<T>(to, world, c, stream); });
  }
  return mics::visit_type(c.type, [&]<class T>(std::type_identity<T>) { return add_move<T>(to, world, c, stream); });
}

/// The same on all ranks: small calls and large ones (which are not packed), of any kind.
collective_case some_call(dice& random, int size) {
  using enum mics::reduction;
  constexpr operation kinds[] = {operation::all_gather, operation::reduce_scatter, operation::all_reduce,
                                 operation::broadcast};
  collective_case c{.what = kinds[random.roll(4)]};
  do {
    c.type = static_cast<mics::data_type>(random.roll(mics::data_type_count));
  } while (c.reduces() &&
           (!mics::is_reducible(c.type) || c.type == mics::data_type::int16 || c.type == mics::data_type::uint16));
  constexpr mics::reduction reductions[] = {sum, min, max, prod};
  c.reduce = reductions[random.roll(4)];
  if ((size & (size - 1)) == 0 && !mics::is_integer(c.type) && random.one_in(3)) c.reduce = avg;
  c.count = random.one_in(12) ? 70'001 : random.roll(40);
  c.root = random.between(0, size - 1);
  c.in_place = random.one_in(2);
  c.seed = random.roll(1'000'000);
  return c;
}

void run_batches(gpu_host& host) {
  const auto world = host.world();
  const gpu_stream stream;
  dice random(static_cast<std::uint64_t>(world.size()));
  for (const gpu_algorithm& asked : gpu_algorithms(operation::all_gather, world.shape().hierarchical())) {
    for (int round = 0; round < 6; ++round) {
      world_batch together(world);
      std::vector<check_later> checks;
      const int calls = round == 0 ? 1 : random.between(2, 12);
      for (int i = 0; i < calls; ++i) {
        const collective_case c = some_call(random, world.size());
        checks.push_back([name = c.describe(), look = add(together, world, c, stream)] {
          const std::string wrong = look();
          return wrong.empty() ? wrong : name + ": " + wrong;
        });
      }
      const mics::collective_options chosen = asked.options(300'000);  // cuts the large ones
      together.run(stream, chosen);
      world.synchronize(stream);
      for (const auto& check : checks) {
        const std::string wrong = check();
        ensure(wrong.empty(), "batch of " + std::to_string(calls) + ", " + std::string(name_of(chosen.how)) + ", " +
                                  std::string(name_of(chosen.on_rail)) + ", chunks of " +
                                  std::to_string(chosen.chunk_bytes) + ", rank " + std::to_string(host.rank()) + ": " +
                                  wrong);
      }
    }
  }
}

}  // namespace

TEST_CASE("batches of mixed calls, with every algorithm") {
  for (const gpu_cluster& cluster : gpu_clusters()) {
    if (cluster.world <= 8) on_gpus(cluster, run_batches);  // sixteen take long where there are few processors
  }
}

TEST_CASE("batches in a program without kernels") {
  const auto all = std::exchange(mics::nccl::device_kernels(), {});
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) on_gpus(cluster, run_batches);
  mics::nccl::device_kernels() = all;
}

TEST_CASE("tensors that follow each other in memory cross the rail without copies") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      const gpu_stream stream;
      const auto size = static_cast<std::size_t>(world.size()), me = static_cast<std::size_t>(world.rank());
      const std::vector<std::size_t> counts{3, 1, 0, 8};
      std::vector<int> mine;
      for (int i = 0; i < 12; ++i) mine.push_back(100 * host.rank() + i);
      const device_array<int> shards(mine, stream), results(12 * size, stream), sums(12, stream);
      world_batch gathers(world), reductions(world);
      std::size_t at = 0;
      for (const std::size_t count : counts) {
        const auto type = mics::data_type::int32;
        gathers.all_gather(shards.data() + at, results.data() + at * size, count, type);
        reductions.reduce_scatter(results.data() + at * size, sums.data() + at, count, type, mics::reduction::sum);
        at += count;
      }
      gathers.run(stream);
      reductions.run(stream);
      world.synchronize(stream);
      const auto got = sums.get();
      for (std::size_t i = 0; i < 12; ++i) {
        const int wanted = static_cast<int>(size) * (100 * static_cast<int>(me) + static_cast<int>(i));
        ensure(got[i] == wanted, "element " + std::to_string(i) + " is " + std::to_string(got[i]));
      }
    });
  }
}

TEST_CASE("sums that are small one by one cross the rail as messages, all in one") {
  for (const gpu_cluster& cluster : gpu_cluster_like(4, 2)) {
    on_gpus(cluster, [](gpu_host& host) {
      const auto world = host.world();
      if (!world.shape().hierarchical()) return;
      const gpu_stream stream;
      world_batch sums(world);
      std::vector<check_later> checks;
      for (std::uint64_t seed = 0; seed < 4; ++seed) {
        const collective_case c{.what = operation::reduce_scatter, .count = 1000, .seed = seed};
        checks.push_back(add(sums, world, c, stream));
      }
      sums.run(stream);
      world.synchronize(stream);
      for (const auto& check : checks) {
        const std::string wrong = check();
        ensure(wrong.empty(), wrong);
      }
      const auto nodes = static_cast<std::size_t>(world.shape().nodes);
      const std::size_t messages = mics::nccl::device_kernels().sum != nullptr ? nodes - 1 : 0;
      const std::size_t wanted = (4 * 1000 * sizeof(float) * (nodes + 1 + messages) + 255) / 256 * 256;
      ensure(world.scratch_bytes() == wanted, "took " + std::to_string(world.scratch_bytes()) + " bytes");
    });
  }
}
