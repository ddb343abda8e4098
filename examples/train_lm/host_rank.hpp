#pragma once

#include <cstddef>
#include <vector>

#include <mics/mics.hpp>

#include "host_math.hpp"

namespace train_lm {

/// What a training run needs of a rank that computes on the host: all but the bytes that moved, and room for what is
/// gathered and reduced, which is any memory unless its transport has better.
template <class Communicator> class host_rank {
 public:
  using math_type = host_math;
  using room = std::vector<float>;

  explicit host_rank(Communicator& world) : world_(world) {}

  [[nodiscard]] Communicator& world() const { return world_; }
  [[nodiscard]] host_math math() const { return {}; }
  [[nodiscard]] room make_room(std::size_t elements) const { return room(elements); }

  void barrier() const { mics::barrier(world_); }
  void average(std::vector<double>& values) const { mics::all_reduce(world_, values, values, mics::reduction::avg); }

 private:
  Communicator& world_;
};

}  // namespace train_lm
