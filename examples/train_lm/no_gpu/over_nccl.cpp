#include "../over_nccl.hpp"

#include <mics/error.hpp>

namespace train_lm {

training over_nccl(const settings&, std::span<const std::uint8_t>) {
  throw mics::usage_error(
      "--transport nccl was asked for, but this program was built without NCCL, cuBLAS or a compiler for CUDA");
}

}  // namespace train_lm
