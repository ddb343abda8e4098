// Memory of the caller is registered once a launch, not once a message, and not beyond it, unless its owner says that
// it stays. Providers that want all
// memory registered need hardware: here one that does not care is treated as if it did.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "endpoint_of.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::operation;
using mics::libfabric::communicator;

constexpr std::size_t block = 800'000;  ///< bytes: ten chunks
constexpr std::size_t chunk = 80'000;

/// As efa and verbs, which want the memory registered that a rank sends from.
void register_all(const communicator& world) { endpoint_of(world).rail().registers().mode |= FI_MR_LOCAL; }

/// One operation with `all` as its large buffer and `shard` as its small one.
void call(const communicator& world, operation what, std::span<std::uint8_t> shard, std::span<std::uint8_t> all,
          const mics::collective_options& options) {
  if (what == operation::all_gather) mics::all_gather(world, shard, all, options);
  if (what == operation::reduce_scatter) mics::reduce_scatter(world, all, shard, mics::reduction::sum, options);
  if (what == operation::all_reduce) mics::all_reduce(world, all, all, mics::reduction::sum, options);
  if (what == operation::broadcast) mics::broadcast(world, all, 0, options);
}

/// How many registrations the call makes on this rank when it is made again: temporary memory is there then.
std::uint64_t made_by(const communicator& world, operation what, std::span<std::uint8_t> shard,
                      std::span<std::uint8_t> all, const mics::collective_options& options) {
  call(world, what, shard, all, options);
  mics::barrier(world);
  const std::uint64_t before = endpoint_of(world).registrations();
  call(world, what, shard, all, options);
  return endpoint_of(world).registrations() - before;
}

void count(const communicator& world) {
  register_all(world);
  const auto n = static_cast<std::size_t>(world.size());
  std::vector<std::uint8_t> shard(block), all(n * block), kept_shard(block), kept_all(n * block);
  const mics::libfabric::registered_buffer kept_1(world, std::span(kept_shard)), kept_2(world, std::span(kept_all));
  const auto shared = mics::libfabric::allocate<std::uint8_t>(world, (n + 1) * block);
  for (const auto what :
       {operation::all_gather, operation::reduce_scatter, operation::all_reduce, operation::broadcast}) {
    for (const auto how : algorithms_of(what, world.size(), world.shape().hierarchical())) {
      const mics::collective_options options{.how = how, .chunk_bytes = chunk};
      const std::string name = std::string(name_of(what)) + " " + std::string(name_of(how));
      const std::uint64_t made = made_by(world, what, shard, all, options);
      expect(made <= 2, name + " registers its two buffers once, not " + std::to_string(made) + " times");
      const std::uint64_t again = made_by(world, what, kept_shard, kept_all, options);
      expect(again == 0, name + " registers registered buffers again, " + std::to_string(again) + " times");
      const auto memory = shared.as<std::uint8_t>();
      const std::uint64_t none = made_by(world, what, memory.first(block), memory.subspan(block), options);
      expect(none == 0, name + " registers shared memory again, " + std::to_string(none) + " times");
    }
  }
}

/// Each rank's bytes: its number and the round.
std::uint8_t value_of(int rank, int round) { return static_cast<std::uint8_t>(16 * round + rank + 1); }

/// Gathers out of and into memory that is new each time, at the same address.
void gather_at_one_address(communicator& world, mics::bootstrap::session& job) {
  register_all(world);
  const auto n = static_cast<std::size_t>(world.size());
  const std::size_t bytes = (n + 1) * block;
  void* address = nullptr;
  std::uint64_t counted = 0;
  for (int round = 0; round < 4; ++round) {
    const int fixed = address == nullptr ? 0 : MAP_FIXED_NOREPLACE;
    void* const got = ::mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);
    expect(got != MAP_FAILED && (address == nullptr || got == address), "memory at the same address");
    address = got;
    const std::span memory(static_cast<std::uint8_t*>(got), bytes);
    const auto shard = memory.first(block), full = memory.subspan(block);
    std::fill(shard.begin(), shard.end(), value_of(world.rank(), round));
    const std::uint64_t before = endpoint_of(world).registrations();
    mics::all_gather(world, shard, full, {.how = mics::algorithm::ring, .chunk_bytes = chunk});
    const std::uint64_t made = endpoint_of(world).registrations() - before;
    expect(made >= 1, "what was registered before has been forgotten");
    if (round > 1) expect(made == counted, "each round registers as much as the last");
    counted = made;
    for (std::size_t r = 0; r < n; ++r) {
      const auto part = full.subspan(r * block, block);
      const auto wanted = value_of(static_cast<int>(r), round);
      expect(std::all_of(part.begin(), part.end(), [&](std::uint8_t b) { return b == wanted; }), "the round's bytes");
    }
    job.barrier();
    ::munmap(got, bytes);
  }
}

}  // namespace

TEST_CASE("a launch registers each buffer once, and shared memory never") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{3, 1}, geometry{2, 2}}) {
    for (const bool one_sided : {true, false}) {
      run_ranks(on, [](communicator& world, mics::bootstrap::session&) { count(world); },
                {.checked = false, .one_sided = one_sided});
    }
  }
}

TEST_CASE("a buffer is registered once while its registration lives, and again once a launch when that is gone") {
  if (!has_fabric()) return;
  run_ranks({2, 1},
            [](communicator& world, mics::bootstrap::session&) {
              register_all(world);
              std::vector<std::uint8_t> shard(block), all(2 * block);
              const mics::collective_options options{.chunk_bytes = chunk};
              const auto registrations = [&] { return made_by(world, operation::all_gather, shard, all, options); };
              expect(registrations() == 2, "before");
              {
                mics::libfabric::registered_buffer moved, wanted(world, std::span(all));
                expect(registrations() == 1, "the shard alone");
                moved = std::move(wanted);
                const mics::libfabric::registered_buffer input(world, std::span(std::as_const(shard)));
                expect(registrations() == 0, "neither");
              }
              expect(registrations() == 2, "after");
              const mics::libfabric::registered_buffer constant(world, std::span(std::as_const(all)));
              expect(registrations() == 2, "peers do not write what was registered as constant");
            },
            {.checked = false});
}

TEST_CASE("a registration outlives its communicator, and costs nothing where there is no network") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{2, 1}, geometry{1, 2}}) {
    std::vector<std::uint8_t> shard(block), all(2 * block);
    run_ranks(on,
              [&](communicator& world, mics::bootstrap::session&) {
                mics::libfabric::registered_buffer kept;
                const bool has_network = world.shape().nodes > 1;
                if (has_network) register_all(world);
                {
                  const communicator part = world.split(0, world.rank());
                  kept = mics::libfabric::registered_buffer(part, std::span(all));
                }
                const mics::libfabric::registered_buffer nothing(world, std::span<float>());
                std::fill(shard.begin(), shard.end(), value_of(world.rank(), 0));
                const mics::collective_options options{.chunk_bytes = chunk};
                if (has_network) {
                  const std::uint64_t made = made_by(world, operation::all_gather, shard, all, options);
                  expect(made == 1, "the shard alone");
                }
                mics::all_gather(world, shard, all, options);
                for (std::size_t i = 0; i < all.size(); ++i) {
                  expect(all[i] == value_of(static_cast<int>(i / block), 0), "the ranks' own numbers come");
                }
                world = {};
              },
              {.checked = false});
  }
}

TEST_CASE("a batch registers the buffers of its calls once") {
  if (!has_fabric()) return;
  run_ranks({2, 1},
            [](communicator& world, mics::bootstrap::session&) {
              register_all(world);
              std::vector<std::vector<std::uint8_t>> shards(3, std::vector<std::uint8_t>(block)),
                  fulls(3, std::vector<std::uint8_t>(2 * block));
              std::uint64_t made = 0;
              for (int times = 0; times < 2; ++times) {
                mics::batch b(world);
                for (std::size_t t = 0; t < 3; ++t) b.all_gather(shards[t], fulls[t]);
                const std::uint64_t before = endpoint_of(world).registrations();
                b.run({.chunk_bytes = chunk});
                made = endpoint_of(world).registrations() - before;
              }
              expect(made <= 6, "six buffers, but " + std::to_string(made) + " registrations");
            },
            {.checked = false});
}

TEST_CASE("memory that was given back and lies at the same address again is registered again") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{2, 1}, geometry{2, 2}}) {
    run_ranks(on, [](communicator& world, mics::bootstrap::session& job) { gather_at_one_address(world, job); },
              {.checked = false});
  }
}
