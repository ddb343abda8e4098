#include <doctest/doctest.h>

#include <mics/groups.hpp>
#include <mics/shape.hpp>
#include <mics/topology.hpp>

using mics::group_shape;

namespace {

bool same(const group_shape& a, const group_shape& b) {
  return a.rank == b.rank && a.size == b.size && a.nodes == b.nodes && a.node_size == b.node_size;
}

}  // namespace

TEST_CASE("the shape of every group by arithmetic is the one that walking its ranks finds") {
  int groups = 0, spread = 0;
  for (int n = 1; n <= 24; ++n) {
    for (int k = 1; k <= n; ++k) {
      for (int p = 1; p <= n; ++p) {
        if (n % p != 0) continue;
        const auto world = mics::topology::uniform(n, k, p);
        for (int rank = 0; rank < n; ++rank) {
          for (const auto& ranks : {world.replication_of(rank), world.rail_group_of(rank), world.node_group_of(rank)}) {
            const int index = ranks.index_of(rank);
            const auto node_of = [&](int member) { return world.node_of(ranks[member]); };
            const group_shape walked = mics::detail::shape_on_nodes(index, ranks.size, node_of);
            REQUIRE(same(mics::detail::shape_in(world, ranks, index), walked));
            ++groups;
            spread += walked.nodes > 1 && walked.node_size > 1 ? 1 : 0;
          }
        }
      }
    }
  }
  CHECK(groups > 10'000);
  CHECK(spread > 100);
}

TEST_CASE("a group that is not laid out in even runs is flat, with the reason") {
  const int back[] = {0, 0, 1, 1, 0, 0};
  const group_shape returns = mics::detail::shape_on_nodes(2, 6, [&](int member) { return back[member]; });
  CHECK(returns.nodes == 1);
  CHECK(returns.flat_reason.find("comes back to node 0 at its rank 4") != std::string::npos);
  const int ragged[] = {0, 0, 1};
  const group_shape uneven = mics::detail::shape_on_nodes(0, 3, [&](int member) { return ragged[member]; });
  CHECK(uneven.nodes == 1);
  CHECK(uneven.flat_reason.find("2 on the first, 1 on number 2") != std::string::npos);
}
