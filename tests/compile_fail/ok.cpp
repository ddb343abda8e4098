// expect: compiles
#include <string>
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

static_assert(mics::check_communicator<mics::thread::communicator>());
static_assert(mics::data_type_of<const float> == mics::data_type::float32);

void gather(const mics::thread::communicator& world, const std::vector<float>& shard, std::vector<float>& full) {
  mics::all_gather(world, shard, full);
}
