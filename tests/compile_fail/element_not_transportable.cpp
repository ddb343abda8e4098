// expect: satisfaction of 'transportable<|does not satisfy 'transportable'
#include <string>
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

void gather(const mics::thread::communicator& world, const std::vector<std::string>& shard,
            std::vector<std::string>& full) {
  mics::all_gather(world, shard, full);
}
