// expect: satisfaction of 'buffer<Shard>' .with Shard = [a-z0-9_:]*list|list<float>' does not satisfy 'buffer'
#include <list>
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

void gather(const mics::thread::communicator& world, const std::list<float>& shard, std::vector<float>& full) {
  mics::all_gather(world, shard, full);
}
