#pragma once

#include <cstddef>

#include <mics/options.hpp>
#include <mics/schedule/layout.hpp>
#include <mics/types.hpp>

namespace mics {

/// One collective as its caller meant it: what every form of the public interface becomes.
struct collective_call {
  operation what = operation::barrier;
  data_type type = data_type::uint8;
  reduction reduce = reduction::sum;
  int root = 0;
  const void* input = nullptr;
  void* output = nullptr;
  schedule::block_layout blocks = schedule::block_layout::uniform(1, 0);  ///< one block a rank
};

}  // namespace mics
