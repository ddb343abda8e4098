#pragma once

#include <deque>
#include <utility>

#include <mics/plan/compile.hpp>
#include <mics/schedule/program.hpp>
#include <mics/shape.hpp>

namespace mics {

/// The programs that one rank has compiled for one communicator. They serve every size, so there are few.
/// Not for concurrent use: look-ups happen in the thread that calls collectives.
class program_cache {
 public:
  /// The program of a recipe, compiled at its first use; the address stays valid.
  const schedule::program& find(const mics::recipe& recipe, const group_shape& shape) {
    for (const auto& [known, steps] : programs_) {
      if (known == recipe) return steps;
    }
    return programs_.emplace_back(recipe, compile(recipe, shape)).second;
  }

 private:
  std::deque<std::pair<mics::recipe, schedule::program>> programs_{};  ///< whose elements never move
};

}  // namespace mics
