#include <cstdio>
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

int main() {
  mics::thread::cluster cluster({.nodes = 2, .node_size = 4});  // ranks as threads on two pretended nodes
  cluster.run([](mics::thread::communicator& world) {
    auto groups = mics::groups(world, {.node_size = 4, .partition_size = 8});
    const std::vector<float> shard(1 << 20, static_cast<float>(world.rank()));
    std::vector<float> full(8 << 20);
    mics::all_gather(groups.partition(), shard, full);  // hierarchical: the partition spans both nodes
    if (world.rank() != 0) return;
    std::printf("shard 5 begins with %g\n", full[5 << 20]);
    std::puts(
        plan_for(groups.partition(), mics::operation::all_gather, full.size() * sizeof(float)).describe().c_str());
  });
  std::printf("into the busiest node: %.0f MiB\n", static_cast<double>(cluster.traffic().busiest_in()) / (1 << 20));
}
