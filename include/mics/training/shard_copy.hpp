#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <span>
#include <string>
#include <type_traits>

#include <mics/training/layout_errors.hpp>
#include <mics/training/shard_layout.hpp>

namespace mics {

namespace detail {

template <class Buffer> auto run_of(Buffer&& buffer) {
  return std::span<std::remove_pointer_t<decltype(std::data(buffer))>>(std::data(buffer), std::size(buffer));
}

template <class T> void check_run(const char* what, std::span<T> run, std::size_t wanted) {
  if (run.size() != wanted) refuse_length(what, run.size(), wanted);
  if (run.data() == nullptr && wanted > 0) refuse_null(what, wanted);
}

/// Every length is checked before the first element moves, so that a refused call changes nothing.
template <class Tensors> void check_tensors(const shard_layout& layout, Tensors& tensors) {
  if (std::size(tensors) != layout.tensors()) refuse_tensors(std::size(tensors), layout.tensors());
  for (std::size_t index = 0; index < layout.tensors(); ++index) {
    const auto run = run_of(tensors[index]);
    const std::size_t wanted = layout.elements_of(index);
    if (run.size() == wanted && (wanted == 0 || run.data() != nullptr)) continue;
    check_run(("tensor " + std::to_string(index)).c_str(), run, wanted);
  }
}

/// A tensor that already is its own part of the flat buffer stays where it is.
template <class T> void copy_run(const T* from, T* to, std::size_t elements) {
  static_assert(std::is_trivially_copyable_v<T>, "tensors are copied as bytes");
  if (from != to && elements > 0) std::memcpy(to, from, elements * sizeof(T));
}

/// Writes runs into a buffer from front to back, and zeros between them.
template <class T> class zero_filling_writer {
 public:
  explicit zero_filling_writer(std::span<T> to) : to_(to) {}

  void write(std::size_t offset, const T* from, std::size_t elements) {
    zero_until(offset);
    copy_run(from, to_.data() + offset, elements);
    written_ = offset + elements;
  }
  void finish() { zero_until(to_.size()); }

 private:
  void zero_until(std::size_t offset) { std::fill(to_.data() + written_, to_.data() + offset, T{}); }

  std::span<T> to_;
  std::size_t written_ = 0;
};

}  // namespace detail

/// Copies all tensors into the flat buffer and writes zeros where it has padding.
/// - Shapes: `tensors` is any indexable sequence of contiguous buffers, tensor i of layout.elements_of(i) elements;
///   `flat` is a contiguous buffer of layout.flat_elements() elements of the same type.
/// - In place: a tensor may already be exactly its own part of `flat`; any other overlap is undefined behaviour.
/// - Memory: none. Blocking: yes. Throws usage_error for wrong counts, lengths and null buffers, before it copies.
template <class Tensors, class Flat> void pack(const shard_layout& layout, const Tensors& tensors, Flat&& flat) {
  const auto to = detail::run_of(flat);
  detail::check_run("flat buffer", to, layout.flat_elements());
  detail::check_tensors(layout, tensors);
  detail::zero_filling_writer writer(to);
  for (std::size_t tensor = 0; tensor < layout.tensors(); ++tensor) {
    writer.write(layout.offset_of(tensor), std::data(tensors[tensor]), layout.elements_of(tensor));
  }
  writer.finish();
}

/// The mirror of pack: copies every tensor out of the flat buffer, whose padding is not read. Same rules and errors.
template <class Flat, class Tensors> void unpack(const shard_layout& layout, const Flat& flat, Tensors&& tensors) {
  const auto from = detail::run_of(flat);
  detail::check_run("flat buffer", from, layout.flat_elements());
  detail::check_tensors(layout, tensors);
  for (std::size_t tensor = 0; tensor < layout.tensors(); ++tensor) {
    detail::copy_run(from.data() + layout.offset_of(tensor), std::data(tensors[tensor]), layout.elements_of(tensor));
  }
}

/// Copies the pieces of tensors that lie in one shard into a buffer of layout.shard_elements() elements, and writes
/// zeros where the shard has padding; otherwise as pack. What the tensors hold outside of these pieces is not read.
template <class Tensors, class Shard>
void pack_shard(const shard_layout& layout, int index, const Tensors& tensors, Shard&& shard) {
  const auto to = detail::run_of(shard);
  detail::check_run("shard", to, layout.shard_range(index).size);
  detail::check_tensors(layout, tensors);
  detail::zero_filling_writer writer(to);
  layout.for_each_piece(index, [&](const tensor_piece& piece) {
    writer.write(piece.shard_offset, std::data(tensors[piece.tensor]) + piece.tensor_offset, piece.elements);
  });
  writer.finish();
}

/// The mirror of pack_shard: copies the pieces that lie in one shard back into their tensors; what the tensors hold
/// outside of these pieces is left alone. Same rules and errors.
template <class Shard, class Tensors>
void unpack_shard(const shard_layout& layout, int index, const Shard& shard, Tensors&& tensors) {
  const auto from = detail::run_of(shard);
  detail::check_run("shard", from, layout.shard_range(index).size);
  detail::check_tensors(layout, tensors);
  layout.for_each_piece(index, [&](const tensor_piece& piece) {
    detail::copy_run(from.data() + piece.shard_offset, std::data(tensors[piece.tensor]) + piece.tensor_offset,
                     piece.elements);
  });
}

}  // namespace mics
