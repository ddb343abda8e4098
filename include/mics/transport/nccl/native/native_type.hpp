#pragma once

#include <optional>

#include <nccl.h>

#include <mics/types.hpp>

namespace mics::nccl {

/// NCCL's name of a type that it reduces; none for the 16-bit integers, which it can only copy, and for the types that
/// the library only copies (as bytes, so that every version of NCCL and every GPU takes them).
constexpr std::optional<ncclDataType_t> native_type(data_type type) {
  switch (type) {
    case data_type::int8:
      return ncclInt8;
    case data_type::uint8:
      return ncclUint8;
    case data_type::int16:
    case data_type::uint16:
    case data_type::float8_e4m3:
    case data_type::float8_e5m2:
      return std::nullopt;
    case data_type::int32:
      return ncclInt32;
    case data_type::uint32:
      return ncclUint32;
    case data_type::int64:
      return ncclInt64;
    case data_type::uint64:
      return ncclUint64;
    case data_type::float16:
      return ncclFloat16;
    case data_type::bfloat16:
      return ncclBfloat16;
    case data_type::float32:
      return ncclFloat32;
    case data_type::float64:
      return ncclFloat64;
  }
  return std::nullopt;
}

/// NCCL's name of a reduction; avg is a sum whose first stage scales (see average.hpp).
constexpr ncclRedOp_t native_reduction(reduction how) {
  switch (how) {
    case reduction::sum:
    case reduction::avg:
      return ncclSum;
    case reduction::min:
      return ncclMin;
    case reduction::max:
      return ncclMax;
    case reduction::prod:
      return ncclProd;
  }
  return ncclSum;
}

}  // namespace mics::nccl
