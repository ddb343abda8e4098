// expect: satisfaction of 'accumulates<|because 'accumulates<
#include <mics/mics.hpp>
#include <mics/training.hpp>
#include <mics/transport/thread.hpp>

void synchronize(mics::groups<mics::thread::communicator_ref>& groups, const mics::shard_layout& layout) {
  static_cast<void>(mics::make_gradient_sync<mics::float8_e5m2>(groups, layout));
}
