#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <mics/detail/convert.hpp>
#include <mics/schedule/launch.hpp>

namespace mics::detail {

/// Gives every widened part float copies of its buffers, the input converted. Returns their memory.
inline std::vector<std::vector<std::byte>> widen_inputs(std::span<const schedule::widening> all,
                                                        std::span<schedule::part> parts) {
  std::vector<std::vector<std::byte>> memory;
  memory.reserve(2 * all.size());  // so that references to its elements stay valid
  for (const schedule::widening& w : all) {
    schedule::part& p = parts[w.part];
    auto& input = memory.emplace_back(w.input_count * sizeof(float));
    auto& output = memory.emplace_back(w.output_count * sizeof(float));
    convert(w.narrow, w.input, data_type::float32, input.data(), w.input_count);
    p.input = input.data();
    p.output = output.data();
  }
  return memory;
}

/// Rounds the results of widened parts into the caller's buffers, once.
inline void narrow_outputs(std::span<const schedule::widening> all, std::span<const schedule::part> parts) {
  for (const schedule::widening& w : all) {
    convert(data_type::float32, parts[w.part].output, w.narrow, w.output, w.output_count);
  }
}

}  // namespace mics::detail
