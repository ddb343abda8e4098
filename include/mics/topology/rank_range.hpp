#pragma once

#include <cstddef>
#include <iterator>
#include <string>

#include <mics/topology/refuse.hpp>

namespace mics {

/// A rank's number in the world, from 0. 2^24 ranks and more fit.
using rank_t = int;

/// The ranks first, first + stride, ... : every group of the library is one, so none needs a list.
/// - Iterable in group order: `for (rank_t rank : range)`; no memory beyond the three numbers.
/// - Members are an aggregate's: first >= 0, size >= 0, stride >= 1, and the last rank must fit a rank_t.
struct rank_range {
  class iterator;

  rank_t first = 0;
  int size = 0;
  rank_t stride = 1;

  /// The rank at `index` of the group. Precondition: 0 <= index < size (not checked).
  [[nodiscard]] constexpr rank_t operator[](int index) const noexcept { return first + index * stride; }

  /// Whether `rank` is a member; any number may be asked for.
  [[nodiscard]] constexpr bool contains(rank_t rank) const noexcept {
    return rank >= first && (rank - first) % stride == 0 && (rank - first) / stride < size;
  }

  /// Index of `rank` inside the group. Throws topology_error when it is no member.
  [[nodiscard]] constexpr int index_of(rank_t rank) const {
    if (!contains(rank)) detail::refuse_rank(rank, "group of ranks " + describe());
    return (rank - first) / stride;
  }

  [[nodiscard]] constexpr iterator begin() const noexcept;
  [[nodiscard]] constexpr iterator end() const noexcept;

  /// The members for people: "7", "4..7", "1, 5, 9, 13" or "1, 5, .. 61 (16 ranks)".
  [[nodiscard]] std::string describe() const;

  /// Same members in the same order. With fewer than two members the stride means nothing.
  friend constexpr bool operator==(const rank_range& a, const rank_range& b) noexcept {
    return a.size == b.size && (a.size == 0 || a.first == b.first) && (a.size < 2 || a.stride == b.stride);
  }
};

/// Walks a rank_range. It holds an index and not a rank: one past the last rank need not fit a rank_t.
class rank_range::iterator {
 public:
  using value_type = rank_t;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::input_iterator_tag;
  using iterator_concept = std::forward_iterator_tag;
  using pointer = void;
  using reference = rank_t;

  constexpr iterator() noexcept = default;
  constexpr iterator(rank_t first, rank_t stride, int index) noexcept : first_(first), stride_(stride), index_(index) {}

  [[nodiscard]] constexpr rank_t operator*() const noexcept { return first_ + index_ * stride_; }
  constexpr iterator& operator++() noexcept {
    ++index_;
    return *this;
  }
  constexpr iterator operator++(int) noexcept {
    const iterator before = *this;
    ++index_;
    return before;
  }
  friend constexpr bool operator==(const iterator&, const iterator&) noexcept = default;

 private:
  rank_t first_ = 0;
  rank_t stride_ = 1;
  int index_ = 0;
};

constexpr rank_range::iterator rank_range::begin() const noexcept { return {first, stride, 0}; }
constexpr rank_range::iterator rank_range::end() const noexcept { return {first, stride, size}; }

inline std::string rank_range::describe() const {
  constexpr int listed = 4;
  const auto name = [this](int index) { return std::to_string((*this)[index]); };
  if (size == 0) return "none";
  if (size == 1) return name(0);
  if (stride == 1) return name(0) + ".." + name(size - 1);
  if (size > listed)
    return name(0) + ", " + name(1) + ", .. " + name(size - 1) + " (" + std::to_string(size) + " ranks)";
  std::string text = name(0);
  for (int index = 1; index < size; ++index) text += ", " + name(index);
  return text;
}

}  // namespace mics
