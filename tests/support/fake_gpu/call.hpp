#pragma once

#include <array>
#include <cstddef>
#include <string>

#include <nccl.h>

namespace fake_gpu {

enum class kind { all_gather, reduce_scatter, all_reduce, broadcast, reduce, send, receive };

/// One call of a collective, a send or a receive.
struct call {
  kind what = kind::send;
  const std::byte* from = nullptr;
  std::byte* to = nullptr;
  std::size_t count = 0;  ///< elements, as the function counts them
  ncclDataType_t type = ncclInt8;
  ncclRedOp_t op = ncclSum;  ///< a scaled sum is ncclNumOps here, and `scalar` the factor
  int peer = 0;              ///< the root, or the other side
  std::array<std::byte, 8> scalar{};
};

/// Bytes of an element; 0 for a type that is not known here.
std::size_t width_of(ncclDataType_t type);

/// By which of its algorithms NCCL would run a collective: another one from some size on.
inline constexpr std::size_t algorithms = 2;
std::size_t algorithm_of(const call& c);

std::string describe(const call& c);

/// Do two ranks mean the same collective?
bool agree(const call& a, const call& b);

/// What is wrong with a rank's call, in words: buffers that are not whole on the device, or that overlap. Empty:
/// nothing.
std::string mistakes(const call& c, int rank, int size, int device);

}  // namespace fake_gpu
