// Bytes between nodes, counted message by message where they arrive: exactly what the plan says, and for the staged
// forms the least that is possible.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "endpoint_of.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::operation;
using mics::libfabric::communicator;

/// Calls an operation on `bytes` bytes as plan_for() counts them.
void call(const communicator& world, operation what, std::size_t bytes, const mics::collective_options& options) {
  const auto size = static_cast<std::size_t>(world.size());
  std::vector<std::uint8_t> all(bytes), other(bytes), shard(bytes / size);
  switch (what) {
    case operation::all_gather:
      return mics::all_gather(world, shard, all, options);
    case operation::reduce_scatter:
      return mics::reduce_scatter(world, all, shard, mics::reduction::sum, options);
    case operation::all_reduce:
      return mics::all_reduce(world, all, other, mics::reduction::sum, options);
    case operation::broadcast:
      return mics::broadcast(world, all, 0, options);
    case operation::barrier:
      return;
  }
}

/// Bytes into the node of this rank.
std::uint64_t into_node(communicator& world, mics::bootstrap::session& job, operation what, std::size_t bytes,
                        const mics::collective_options& options) {
  mics::libfabric::rail_endpoint& rail = endpoint_of(world).rail();
  const std::uint64_t before = rail.received();
  call(world, what, bytes, options);
  const std::vector<std::uint64_t> all = job.all_gather(rail.received() - before);
  std::uint64_t sum = 0;
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (job.node_of()[rank] == job.node_of()[static_cast<std::size_t>(job.rank())]) sum += all[rank];
  }
  return sum;
}

void count(communicator& world, mics::bootstrap::session& job, int node_size) {
  const auto p = static_cast<std::size_t>(world.size()), k = static_cast<std::size_t>(node_size);
  for (int op = 0; op < mics::operation_count; ++op) {
    const auto what = static_cast<operation>(op);
    if (what == operation::barrier) continue;
    for (const auto how : algorithms_of(what, world.size(), true)) {
      for (const std::size_t block : {std::size_t{3}, std::size_t{1'001}, std::size_t{150'007}}) {
        const std::size_t bytes = block * p, chunk = block > 1'001 ? 70'000 : 0;
        const std::uint64_t came = into_node(world, job, what, bytes, {.how = how, .chunk_bytes = chunk});
        const std::string call =
            std::string(name_of(what)) + " " + std::string(name_of(how)) + " of " + std::to_string(bytes) + " bytes: ";
        const std::uint64_t planned = mics::plan_for(world, what, bytes, how, chunk).volume_into_node().slow;
        expect(came == planned, call + std::to_string(came) + " came, planned " + std::to_string(planned));
        if (how != mics::algorithm::hierarchical) continue;
        const std::uint64_t least = what == operation::all_reduce  ? 2 * block * (p - k)
                                    : what == operation::broadcast ? (job.rank() < node_size ? 0 : bytes)
                                                                   : block * (p - k);
        expect(came == least, call + std::to_string(came) + " came, least " + std::to_string(least));
      }
    }
  }
}

}  // namespace

TEST_CASE("exactly what the plan says crosses the network, and in the staged forms no more than must") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{2, 2}, geometry{2, 4}, geometry{4, 4}}) {
    run_ranks(on, [on](communicator& world, mics::bootstrap::session& job) { count(world, job, on.node_size); },
              {.checked = false});
  }
}
