// expect: satisfaction of 'same_elements<|because 'same_elements<
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

void gather(const mics::thread::communicator& world, const std::vector<float>& shard, std::vector<double>& full) {
  mics::all_gather(world, shard, full);
}
