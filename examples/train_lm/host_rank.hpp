#pragma once

#include <vector>

#include <mics/mics.hpp>

#include "host_math.hpp"

namespace train_lm {

/// What a training run needs of a rank that computes on the host: all but the bytes that moved.
template <class Communicator> class host_rank {
 public:
  explicit host_rank(Communicator& world) : world_(world) {}

  [[nodiscard]] Communicator& world() const { return world_; }
  [[nodiscard]] host_math math() const { return {}; }

  void barrier() const { mics::barrier(world_); }
  void average(std::vector<double>& values) const { mics::all_reduce(world_, values, values, mics::reduction::avg); }

 private:
  Communicator& world_;
};

}  // namespace train_lm
