// Collectives in memory of the transport's own, alone and mixed with other memory; what is left of it; refusals.

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/training.hpp>

#include "../support/terms.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::reduction;
using mics::libfabric::communicator;
using mics::libfabric::shared_memory;

std::vector<int> gathered(int size, std::size_t count, std::uint64_t seed) {
  std::vector<int> all;
  for (int r = 0; r < size; ++r) {
    const auto block = terms<int>(reduction::sum, r, 0, count, seed);
    all.insert(all.end(), block.begin(), block.end());
  }
  return all;
}

template <class Range, class Wanted> bool same(const Range& got, const Wanted& wanted) {
  return std::equal(got.begin(), got.end(), wanted.begin(), wanted.end());
}

/// Gather, scatter and reduce `count` elements a rank. Where `mine`, the buffers are shared memory.
void exchange(communicator& world, std::size_t count, bool mine, std::uint64_t seed) {
  const auto n = static_cast<std::size_t>(world.size());
  std::vector<int> plain(mine ? 0 : (3 * n + 2) * count);
  shared_memory shared = mine ? mics::libfabric::allocate<int>(world, (3 * n + 2) * count) : shared_memory();
  std::span<int> left = mine ? shared.as<int>() : std::span<int>(plain);
  const auto next = [&](std::size_t elements) {
    const auto taken = left.first(elements);
    left = left.subspan(elements);
    return taken;
  };
  const auto shard = next(count), part = next(count), full = next(n * count), input = next(n * count),
             sum = next(n * count);
  const auto own = terms<int>(reduction::sum, world.rank(), 0, count, seed);
  std::copy(own.begin(), own.end(), shard.begin());
  mics::all_gather(world, shard, full);
  expect(same(full, gathered(world.size(), count, seed)), "the gather brings every shard");

  const auto values = terms<int>(reduction::sum, world.rank(), 0, n * count, seed + 1);
  std::copy(values.begin(), values.end(), input.begin());
  const mics::rank_range everyone{0, world.size(), 1};
  const std::size_t before = static_cast<std::size_t>(world.rank()) * count;
  mics::reduce_scatter(world, input, part, reduction::sum);
  expect(same(part, all_reduced<int>(reduction::sum, everyone, before, count, seed + 1)), "the scatter adds up");
  mics::all_reduce(world, input, sum, reduction::sum);
  expect(same(sum, all_reduced<int>(reduction::sum, everyone, 0, n * count, seed + 1)), "the sum is everywhere");
  mics::all_reduce(world, input, input, reduction::sum);
  expect(same(input, sum), "in place too");
}

/// Does the address lie in a mapping that other processes see?
bool others_see(const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream read(line);
    std::uintptr_t from = 0, to = 0;
    char dash = 0;
    std::string rights;
    read >> std::hex >> from >> dash >> to >> rights;
    if (from <= at && at < to) return rights.back() == 's';
  }
  return false;
}

std::set<std::string> shared_files() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) names.insert(entry.path());
  return names;
}

}  // namespace

TEST_CASE("shared memory, other memory, and both at once") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{1, 4}, geometry{2, 2}, geometry{3, 2}}) {
    run_ranks(on, [](communicator& world, mics::bootstrap::session&) {
      std::uint64_t seed = 0;
      for (const std::size_t count : std::vector<std::size_t>{1, 1'000, 70'001}) {
        exchange(world, count, true, ++seed);
        exchange(world, count, false, ++seed);
        exchange(world, count, world.rank() % 2 == 0, ++seed);
      }
    });
  }
}

TEST_CASE("much memory may be taken and given back while others still know it") {
  if (!has_fabric()) return;
  run_ranks({1, 2}, [](communicator& world, mics::bootstrap::session&) {
    for (std::uint64_t round = 0; round < 100; ++round) exchange(world, 500, true, round);
  });
}

TEST_CASE("memory outlives its communicator") {
  if (!has_fabric()) return;
  run_ranks({2, 1}, [](communicator& world, mics::bootstrap::session&) {
    shared_memory kept;
    {
      const communicator other = world.split(0, world.rank());
      kept = shared_memory(other, 100'000);
    }
    kept.as<int>()[5] = world.rank() + 1;
    auto some = kept.as<int>().first(25'000);
    mics::all_reduce(world, some, some, reduction::sum);
    expect(some[5] == 3, "it is of use in another group");
  });
}

TEST_CASE("gradients are summed in shared memory, which may be kept longer than the world") {
  if (!has_fabric()) return;
  run_ranks({2, 2}, [](communicator& world, mics::bootstrap::session&) {
    auto other = world.split(0, world.rank());
    auto groups = mics::groups(other, {.node_size = 2, .partition_size = 2});
    mics::gradient_sync sync(groups, mics::shard_layout(std::vector<std::size_t>{1'001, 500}, 2));
    const std::vector<float> gradients(sync.layout().flat_elements(), 1.0F);
    sync.accumulate(gradients);
    sync.synchronize();
    { const communicator gone = std::move(other); }
    expect(others_see(sync.shard().data()), "the neighbours read the sums where they lie");
    expect(!others_see(gradients.data()), "the caller's memory is the caller's");
    expect(sync.shard()[3] == 1.0F, "the mean of ones");
  });
}

TEST_CASE("nothing is left in /dev/shm when all ranks are killed") {
  if (!has_fabric()) return;
  const auto before = shared_files();
  const auto failures = failures_of({2, 2}, [](communicator& world, mics::bootstrap::session& job) {
    exchange(world, 70'001, true, 1);
    job.barrier();
    ::raise(SIGKILL);
  });
  CHECK(failures.size() == 4);
  for (const auto& name : shared_files()) CHECK_MESSAGE(before.count(name) == 1, name << " was left behind");
}
