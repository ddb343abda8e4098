#pragma once

#include <cstddef>

#include <mics/schedule/layout.hpp>
#include <mics/schedule/program.hpp>
#include <mics/types.hpp>

namespace mics::schedule {

/// One collective of a launch: a program bound to memory.
struct part {
  part() noexcept {}  // not defaulted: g++ would clear the whole of it first, which a small call feels

  const program* steps = nullptr;
  block_layout layout = block_layout::uniform(1, 0);
  int chunks = 1;
  data_type type = data_type::uint8;
  reduction reduce = reduction::sum;
  double scale = 1.0;  ///< applied once, by the last fold
  const std::byte* input = nullptr;
  std::byte* output = nullptr;
  std::byte* scratch = nullptr;
  std::size_t input_origin = 0;   ///< element of the layout at which `input` begins
  std::size_t output_origin = 0;  ///< likewise for `output`
  bool streaming = false;         ///< results are too large for the cache: write past it

  [[nodiscard]] std::size_t scratch_bytes() const noexcept {
    return static_cast<std::size_t>(steps->scratch_slots) * layout.longest() * size_of(type);
  }

  [[nodiscard]] extent piece(const place& at, int chunk) const noexcept {
    return layout.piece(at.first, at.count, chunk, chunks);
  }

  [[nodiscard]] const std::byte* source(const place& at, const extent& piece) const noexcept {
    return at.in == buffer::input ? input + (piece.offset - input_origin) * size_of(type) : target(at, piece);
  }

  [[nodiscard]] std::byte* target(const place& at, const extent& piece) const noexcept {
    if (at.in == buffer::output) return output + (piece.offset - output_origin) * size_of(type);
    const std::size_t slot = static_cast<std::size_t>(at.slot) * layout.longest();
    return scratch + (slot + piece.offset - layout.offset(at.origin)) * size_of(type);
  }
};

}  // namespace mics::schedule
