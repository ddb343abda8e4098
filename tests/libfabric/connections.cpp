// What a rank holds grows with the groups that it uses, not with the world.

#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <mics/training.hpp>

#include "endpoint_of.hpp"
#include "ranks.hpp"

namespace {

using namespace mics::test;
using mics::libfabric::communicator;

constexpr std::size_t sizeable = 10'000;  ///< takes slots, not packets alone

void train(mics::groups<mics::libfabric::communicator_ref>& groups) {
  const mics::shard_layout layout(std::vector<std::size_t>{4 * sizeable}, groups.topology().partition_size());
  mics::gradient_sync sync(groups, layout);
  const std::vector<float> gradients(layout.flat_elements(), 1.0F);
  sync.accumulate(gradients);
  sync.synchronize();
  std::vector<float> full(layout.flat_elements());
  mics::all_gather(groups.partition(), sync.shard(), full);
  for (const float f : full) expect(f == 1.0F, "the mean of ones is one");
}

std::string counted(const char* what, std::size_t count, std::size_t most) {
  return std::to_string(count) + " " + what + "; at most " + std::to_string(most) + " are needed";
}

}  // namespace

TEST_CASE("a rank of 16 meets few others: those of its groups, and log2(16) on either side to make them") {
  if (!has_fabric()) return;
  for (const bool checked : {true, false}) {
    run_ranks({8, 2},
              [](communicator& world, mics::bootstrap::session&) {
                auto groups = mics::groups(world, {.node_size = 2, .partition_size = 4});
                train(groups);
                mics::libfabric::rail_endpoint& rail = endpoint_of(world).rail();
                // 1, 2, 4 and 8 ranks away on either side: seven, of whom one is near; and one of the partition's
                // three.
                constexpr std::size_t peers = 7;
                expect(rail.peers_met() <= peers, counted("ranks met", rail.peers_met(), peers));
                // In the world, the partition on two nodes and the replicas on four, some in either lane.
                constexpr std::size_t links = peers + 2 * 2 + 2 * 3;
                expect(rail.links() <= links, counted("links", rail.links(), links));
              },
              {.checked = checked});
  }
}

TEST_CASE("links are used again when their groups are gone") {
  if (!has_fabric()) return;
  run_ranks({3, 1}, [](communicator& world, mics::bootstrap::session&) {
    mics::libfabric::rail_endpoint& rail = endpoint_of(world).rail();
    std::vector<int> shard(sizeable, world.rank()), full(sizeable * 3);
    std::size_t links = 0;
    for (int round = 0; round < 5; ++round) {
      {
        const communicator made = world.split(0, world.rank());
        mics::all_gather(made, shard, full);
        for (std::size_t i = 0; i < full.size(); ++i) {
          expect(full[i] == static_cast<int>(i / sizeable), "the ranks' own numbers come");
        }
        if (round == 0) links = rail.links();
        expect(rail.links() == links, counted("links", rail.links(), links));
      }
      expect(rail.links() < links, "a group that is gone has no links");
    }
  });
}

TEST_CASE("groups are made right of ranks that are too many for one step, and no power of two") {
  if (!has_fabric()) return;
  for (const geometry on : {geometry{11, 1}, geometry{3, 3}}) {
    run_ranks(on,
              [](communicator& world, mics::bootstrap::session&) {
                const communicator made = world.split(world.rank() % 2, -world.rank());
                std::vector<int> own{world.rank()}, all(static_cast<std::size_t>(made.size()));
                mics::all_gather(made, own, all);
                int expected = world.size() - 1;
                if (expected % 2 != world.rank() % 2) --expected;
                for (const int rank : all) {
                  expect(rank == expected, "the ranks of a colour, by descending number");
                  expected -= 2;
                }
              },
              {.checked = true});
  }
}
