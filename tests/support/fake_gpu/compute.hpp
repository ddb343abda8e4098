#pragma once

#include <vector>

#include "call.hpp"

namespace fake_gpu {

/// Carries out a collective of which every rank has made its call.
void compute(const std::vector<call>& calls);

}  // namespace fake_gpu
