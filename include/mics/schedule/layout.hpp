#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace mics::schedule {

/// A run of elements.
struct extent {
  std::size_t offset = 0;
  std::size_t length = 0;
};

/// Where the blocks of a collective lie, in elements. Blocks are packed in rank order.
/// Programs speak of blocks and chunks only, so one program serves every size.
class block_layout {
 public:
  /// Blocks of the same length: all-gather and reduce-scatter.
  static block_layout uniform(int blocks, std::size_t length) { return {blocks, length, 0}; }

  /// `total` elements cut as evenly as possible, the first blocks one element longer: all-reduce.
  static block_layout split(int blocks, std::size_t total) {
    const auto n = static_cast<std::size_t>(blocks);
    return {blocks, total / n, total % n};
  }

  /// Blocks of given lengths: the v-forms.
  static block_layout by_counts(std::span<const std::size_t> counts) {
    block_layout layout{static_cast<int>(counts.size()), 0, 0};
    layout.offsets_.reserve(counts.size() + 1);
    layout.offsets_.push_back(0);
    for (const std::size_t count : counts) layout.offsets_.push_back(layout.offsets_.back() + count);
    for (const std::size_t count : counts) layout.longest_ = std::max(layout.longest_, count);
    return layout;
  }

  [[nodiscard]] int blocks() const noexcept { return blocks_; }
  [[nodiscard]] std::size_t total() const noexcept { return offset(blocks_); }
  [[nodiscard]] std::size_t longest() const noexcept { return longest_; }
  /// Do all blocks have the same length? By construction: counts that happen to be equal do not.
  [[nodiscard]] bool even() const noexcept { return offsets_.empty() && longer_ == 0; }
  [[nodiscard]] std::size_t length(int block) const noexcept { return offset(block + 1) - offset(block); }

  [[nodiscard]] std::size_t offset(int block) const noexcept {
    const auto b = static_cast<std::size_t>(block);
    return offsets_.empty() ? b * length_ + std::min(b, longer_) : offsets_[b];
  }

  /// Elements of which chunks are multiples.
  static constexpr std::size_t chunk_unit = 64;

  /// Chunk `chunk` of `chunks` of a run of blocks. Chunks end on multiples of the unit, so that no cache line
  /// is written by two of them; the last ones may be empty.
  [[nodiscard]] extent piece(int first, int count, int chunk, int chunks) const noexcept {
    const std::size_t begin = offset(first);
    const std::size_t length = offset(first + count) - begin;
    if (chunks == 1) return {begin, length};
    const std::size_t step = longest_piece(length, chunks);
    const std::size_t from = std::min(step * static_cast<std::size_t>(chunk), length);
    return {begin + from, std::min(step, length - from)};
  }

  /// What piece() gives to the first of `chunks` chunks of so many elements.
  static std::size_t longest_piece(std::size_t length, int chunks) noexcept {
    if (chunks == 1) return length;
    const auto n = static_cast<std::size_t>(chunks);
    return std::min(((length + n - 1) / n + chunk_unit - 1) / chunk_unit * chunk_unit, length);
  }

 private:
  block_layout(int blocks, std::size_t length, std::size_t longer)
      : blocks_(blocks), length_(length), longer_(longer), longest_(length + (longer > 0 ? 1 : 0)) {}

  int blocks_;
  std::size_t length_;
  std::size_t longer_;  ///< how many of the first blocks hold one element more
  std::size_t longest_;
  std::vector<std::size_t> offsets_{};  ///< only in by_counts layouts
};

}  // namespace mics::schedule
