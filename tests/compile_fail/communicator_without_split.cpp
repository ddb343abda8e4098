// expect: mics: a communicator needs split
#include <string>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

struct cannot_split : mics::thread::communicator {
  using mics::thread::communicator::communicator;
  void split() = delete;
};

static_assert(mics::check_communicator<cannot_split>());
