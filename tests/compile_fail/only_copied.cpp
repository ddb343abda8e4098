// expect: satisfaction of 'reducible_buffer<|does not satisfy 'reducible_buffer'
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

void reduce(const mics::thread::communicator& world, std::vector<mics::float8_e4m3>& data) {
  mics::all_reduce(world, data, data, mics::reduction::sum);
}
