// expect: mics: a temporary buffer would be gone before the stream or the batch uses it
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

void gather(mics::thread::communicator& world, std::vector<float>& full, mics::thread::stream& stream) {
  mics::all_gather(world, std::vector<float>(1), full, stream);
}
