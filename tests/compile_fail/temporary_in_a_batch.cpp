// expect: mics: a temporary buffer would be gone before the stream or the batch uses it
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

void gather_in_a_batch(mics::thread::communicator& world, std::vector<float>& full, mics::thread::stream& stream) {
  mics::batch(world).all_gather(std::vector<float>(1), full).run(stream);
}
