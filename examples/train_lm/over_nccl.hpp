#pragma once

#include <cstdint>
#include <span>

#include "settings.hpp"
#include "training_run.hpp"

namespace train_lm {

/// Finds the other ranks, which are processes with a GPU each; they stay together as long as the result lives.
/// Throws mics::usage_error where this program was built without NCCL, cuBLAS and CUDA.
training over_nccl(const settings& s, std::span<const std::uint8_t> text);

}  // namespace train_lm
