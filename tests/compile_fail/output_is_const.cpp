// expect: satisfaction of 'writable_buffer<Full>'|does not satisfy 'writable_buffer'
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

void gather(const mics::thread::communicator& world, const std::vector<float>& shard, const std::vector<float>& full) {
  mics::all_gather(world, shard, full);
}
