// expect: mics: a communicator needs rank\(\), world_rank\(\), size\(\), name\(\)
#include <mics/mics.hpp>

struct only_rank {
  int rank() const { return 0; }
};

static_assert(mics::check_communicator<only_rank>());
