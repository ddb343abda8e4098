#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mics/training/fingerprint.hpp>
#include <mics/training/layout_errors.hpp>
#include <mics/training/tensor_piece.hpp>

namespace mics {

/// Where many tensors of any sizes lie in one flat buffer that is cut into equal shards; arithmetic only, no data.
/// - Order: tensors keep their order. Every tensor and every shard begins at a multiple of `alignment` elements;
///   what this leaves free, and the end of the last shards, is padding that belongs to no tensor.
/// - Counts: all sizes and offsets are elements. Tensors of 0 elements and an empty list are fine.
/// - Cost: 16 bytes a tensor. Offsets are O(1), searches O(log tensors).
/// - Throws usage_error, with the numbers, for sizes that cannot be: fewer than 1 shard, an alignment of 0, a negative
///   count that was converted on its way here, or more elements than a buffer of 8-byte elements can hold.
class shard_layout {
 public:
  explicit shard_layout(std::vector<std::size_t> tensor_elements, int shards, std::size_t alignment = 1);

  [[nodiscard]] std::size_t tensors() const noexcept { return sizes_.size(); }
  [[nodiscard]] int shards() const noexcept { return shards_; }
  [[nodiscard]] std::size_t alignment() const noexcept { return alignment_; }

  /// Elements of all tensors together, without padding.
  [[nodiscard]] std::size_t elements() const noexcept { return elements_; }
  /// Elements of one shard, the same for every shard.
  [[nodiscard]] std::size_t shard_elements() const noexcept { return shard_elements_; }
  /// Elements of the flat buffer: shards() * shard_elements().
  [[nodiscard]] std::size_t flat_elements() const noexcept { return shard_elements_ * shard_count(); }
  /// Elements of the flat buffer that belong to no tensor.
  [[nodiscard]] std::size_t padding() const noexcept { return flat_elements() - elements_; }

  /// Elements of one tensor. Throws usage_error for a tensor that does not exist.
  [[nodiscard]] std::size_t elements_of(std::size_t tensor) const { return sizes_[checked_tensor(tensor)]; }
  /// Where a tensor begins in the flat buffer. Throws usage_error for a tensor that does not exist.
  [[nodiscard]] std::size_t offset_of(std::size_t tensor) const { return offsets_[checked_tensor(tensor)]; }
  /// The tensor's run in the flat buffer. Throws usage_error for a tensor that does not exist.
  [[nodiscard]] flat_range tensor_range(std::size_t tensor) const { return {offset_of(tensor), sizes_[tensor]}; }
  /// The shard's run in the flat buffer. Throws usage_error for a shard that does not exist.
  [[nodiscard]] flat_range shard_range(int shard) const {
    return {checked_shard(shard) * shard_elements_, shard_elements_};
  }

  /// The tensor and the element in it that lie at an offset of the flat buffer; nothing where padding lies.
  /// Throws usage_error for an offset outside the buffer.
  [[nodiscard]] std::optional<tensor_position> at(std::size_t flat_offset) const;

  /// Calls `f(const tensor_piece&)` for the pieces of tensors in a shard, in flat order; allocates nothing.
  /// Throws usage_error for a shard that does not exist, before any call.
  template <class F> void for_each_piece(int shard, F&& f) const;

  /// The pieces of tensors in a shard, in flat order. Throws usage_error for a shard that does not exist.
  [[nodiscard]] std::vector<tensor_piece> pieces(int shard) const {
    std::vector<tensor_piece> all;
    for_each_piece(shard, [&all](const tensor_piece& piece) { all.push_back(piece); });
    return all;
  }

  /// The part of the flat buffer that one tensor occupies, as a view. Throws usage_error when the buffer does not have
  /// flat_elements() elements or the tensor does not exist.
  template <class T> [[nodiscard]] std::span<T> tensor_in(std::span<T> flat, std::size_t tensor) const {
    if (flat.size() != flat_elements()) detail::refuse_length("flat buffer", flat.size(), flat_elements());
    return flat.subspan(offset_of(tensor), sizes_[tensor]);
  }

  /// 64 bits that depend on every size, on their order, on the shards and the alignment, and on nothing else: equal on
  /// two ranks of any two machines when their layouts are equal, and different otherwise but for 1 case in 2^64.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept;

  /// "3 tensors, 120 elements + 8 of padding, in 4 shards of 32"
  [[nodiscard]] std::string describe() const;

  friend bool operator==(const shard_layout& a, const shard_layout& b) noexcept {
    return a.shards_ == b.shards_ && a.alignment_ == b.alignment_ && a.sizes_ == b.sizes_;
  }

 private:
  [[nodiscard]] std::size_t shard_count() const noexcept { return static_cast<std::size_t>(shards_); }
  [[nodiscard]] std::size_t end_of(std::size_t tensor) const noexcept { return offsets_[tensor] + sizes_[tensor]; }

  [[nodiscard]] std::size_t aligned(std::size_t offset) const {
    const std::size_t over = offset % alignment_;
    if (over == 0) return offset;
    if (alignment_ - over > detail::most_elements - offset) detail::refuse_overflow();
    return offset + (alignment_ - over);
  }

  [[nodiscard]] std::size_t checked_tensor(std::size_t tensor) const {
    if (tensor >= sizes_.size()) detail::refuse_index("tensor", static_cast<std::int64_t>(tensor), sizes_.size());
    return tensor;
  }
  [[nodiscard]] std::size_t checked_shard(int shard) const {
    if (shard < 0 || shard >= shards_) detail::refuse_index("shard", shard, shard_count());
    return static_cast<std::size_t>(shard);
  }

  /// The first tensor that ends behind `flat_offset`; tensors() when there is none.
  [[nodiscard]] std::size_t first_ending_behind(std::size_t flat_offset) const noexcept;

  std::vector<std::size_t> sizes_;
  std::vector<std::size_t> offsets_{};
  int shards_;
  std::size_t alignment_;
  std::size_t elements_ = 0;
  std::size_t shard_elements_ = 0;
};

inline shard_layout::shard_layout(std::vector<std::size_t> tensor_elements, int shards, std::size_t alignment)
    : sizes_(std::move(tensor_elements)), shards_(shards), alignment_(alignment) {
  if (shards_ < 1) detail::refuse_shards(shards_);
  if (alignment_ < 1 || alignment_ > detail::most_elements) detail::refuse_alignment(alignment_);
  offsets_.reserve(sizes_.size());
  std::size_t end = 0;
  for (std::size_t tensor = 0; tensor < sizes_.size(); ++tensor) {
    const std::size_t begin = aligned(end);
    if (sizes_[tensor] > detail::most_elements) detail::refuse_tensor(tensor, sizes_[tensor]);
    if (sizes_[tensor] > detail::most_elements - begin) detail::refuse_overflow();
    offsets_.push_back(begin);
    elements_ += sizes_[tensor];
    end = begin + sizes_[tensor];
  }
  shard_elements_ = aligned(end / shard_count() + (end % shard_count() > 0 ? 1 : 0));
  if (shard_elements_ > detail::most_elements / shard_count()) detail::refuse_overflow();
}

inline std::size_t shard_layout::first_ending_behind(std::size_t flat_offset) const noexcept {
  std::size_t low = 0;
  std::size_t high = sizes_.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (end_of(middle) <= flat_offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

inline std::optional<tensor_position> shard_layout::at(std::size_t flat_offset) const {
  if (flat_offset >= flat_elements()) {
    detail::refuse_index("flat offset", static_cast<std::int64_t>(flat_offset), flat_elements());
  }
  const std::size_t tensor = first_ending_behind(flat_offset);
  if (tensor == sizes_.size() || offsets_[tensor] > flat_offset) return std::nullopt;
  return tensor_position{tensor, flat_offset - offsets_[tensor]};
}

template <class F> void shard_layout::for_each_piece(int shard, F&& f) const {
  const flat_range mine = shard_range(shard);
  const std::size_t end = mine.first + mine.size;
  for (std::size_t tensor = first_ending_behind(mine.first); tensor < sizes_.size() && offsets_[tensor] < end;
       ++tensor) {
    if (sizes_[tensor] == 0) continue;
    const std::size_t from = offsets_[tensor] > mine.first ? offsets_[tensor] : mine.first;
    const std::size_t to = end_of(tensor) < end ? end_of(tensor) : end;
    f(tensor_piece{tensor, from - offsets_[tensor], from - mine.first, to - from});
  }
}

inline std::uint64_t shard_layout::fingerprint() const noexcept {
  detail::fingerprint_builder hash;
  hash.add(shard_count());
  hash.add(alignment_);
  hash.add(sizes_.size());
  for (const std::size_t size : sizes_) hash.add(size);
  return hash.value();
}

inline std::string shard_layout::describe() const {
  return std::to_string(tensors()) + (tensors() == 1 ? " tensor, " : " tensors, ") + std::to_string(elements_) +
         " elements + " + std::to_string(padding()) + " of padding, in " + std::to_string(shards_) +
         (shards_ == 1 ? " shard of " : " shards of ") + std::to_string(shard_elements_);
}

}  // namespace mics
