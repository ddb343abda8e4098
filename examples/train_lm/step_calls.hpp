#pragma once

#include <cstddef>
#include <vector>

#include <mics/mics.hpp>

namespace train_lm {

/// A collective that a step of the training makes so many times, in groups of one shape.
struct step_call {
  mics::operation what{};
  mics::algorithm asked{};
  mics::group_shape shape{};
  std::size_t bytes = 0;  ///< M: of the larger buffer
  int times = 1;
  bool in_place = false;
};

}  // namespace train_lm
