// A world of one rank over libfabric, found by way of the component alone.

#include <cstdio>
#include <vector>

#include <mics/bootstrap.hpp>
#include <mics/mics.hpp>
#include <mics/transport/libfabric.hpp>

int main() {
  mics::bootstrap::local::spawn(1, [](mics::bootstrap::session& job) {
    const auto world = mics::libfabric::make_world(job);
    const std::vector<int> shard(3, 7);
    std::vector<int> full(3);
    mics::all_gather(world, shard, full);
    std::printf("%d gathered over libfabric\n", full[2]);
  });
}
