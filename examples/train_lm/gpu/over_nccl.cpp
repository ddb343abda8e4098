#include "../over_nccl.hpp"

#include <memory>

#include "nccl_rank.hpp"

namespace train_lm {

training over_nccl(const settings& s, std::span<const std::uint8_t> text) {
  const auto here = std::make_shared<nccl_rank>(s);
  return [=](const strategy& how, const progress& report) {
    return detail::train_rank(*here, s, how, text, report, here->stream());
  };
}

}  // namespace train_lm
