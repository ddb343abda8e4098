// expect: mics: a communicator needs rank\(\),
#include <mics/mics.hpp>

struct only_rank {
  int rank() const { return 0; }
};

static_assert(mics::check_communicator<only_rank>());
