#pragma once

#include <cstddef>

namespace mics {

/// A run of elements [first, first + size) of the flat buffer.
struct flat_range {
  std::size_t first = 0;
  std::size_t size = 0;

  friend constexpr bool operator==(const flat_range&, const flat_range&) noexcept = default;
};

/// One element of one tensor.
struct tensor_position {
  std::size_t tensor = 0;
  std::size_t element = 0;

  friend constexpr bool operator==(const tensor_position&, const tensor_position&) noexcept = default;
};

/// The longest run of one tensor that lies inside one shard; never empty.
struct tensor_piece {
  std::size_t tensor = 0;
  std::size_t tensor_offset = 0;  ///< where the run begins in the tensor, in elements
  std::size_t shard_offset = 0;   ///< where the run begins in the shard, in elements
  std::size_t elements = 0;

  friend constexpr bool operator==(const tensor_piece&, const tensor_piece&) noexcept = default;
};

}  // namespace mics
