#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/transport/nccl/kernels.hpp>
#include <mics/transport/nccl/stage.hpp>

namespace mics::nccl {

/// What a reduction does to which elements, in NCCL's terms.
struct native_sum {
  ncclDataType_t type = ncclFloat32;
  ncclRedOp_t op = ncclSum;

  bool operator==(const native_sum&) const = default;
};

/// What is copied is counted in bytes.
inline constexpr native_sum only_copied{ncclInt8, ncclSum};

/// One call of NCCL's: all of it but the stream.
struct native_call {
  enum class kind : std::uint8_t { all_gather, reduce_scatter, all_reduce, broadcast, reduce, send, receive };

  kind what;
  ncclComm_t comm;
  stage in;  ///< for an error's words
  const std::byte* from;
  std::byte* to;
  std::size_t count;  ///< as NCCL counts it
  native_sum how = only_copied;
  int peer = 0;  ///< the root, or the other side

  [[nodiscard]] const char* name() const noexcept {
    constexpr std::array names{"ncclAllGather", "ncclReduceScatter", "ncclAllReduce", "ncclBroadcast",
                               "ncclReduce",    "ncclSend",          "ncclRecv"};
    return names[static_cast<std::size_t>(what)];
  }

  [[nodiscard]] ncclResult_t make(cudaStream_t stream) const {
    switch (what) {
      case kind::all_gather:
        return ncclAllGather(from, to, count, how.type, comm, stream);
      case kind::reduce_scatter:
        return ncclReduceScatter(from, to, count, how.type, how.op, comm, stream);
      case kind::all_reduce:
        return ncclAllReduce(from, to, count, how.type, how.op, comm, stream);
      case kind::broadcast:
        return ncclBroadcast(from, to, count, how.type, peer, comm, stream);
      case kind::reduce:
        return ncclReduce(from, to, count, how.type, how.op, peer, comm, stream);
      case kind::send:
        return ncclSend(from, count, how.type, peer, comm, stream);
      case kind::receive:
        return ncclRecv(to, count, how.type, peer, comm, stream);
    }
    return ncclInternalError;
  }
};

/// What a launch came to: calls of NCCL's, in the groups in which they were made, and perhaps a sum.
struct recording {
  std::vector<native_call> calls{};
  std::vector<std::size_t> group_ends{};  ///< behind the last call of each group
  std::optional<row_sum> sum{};           ///< a kernel's, ...
  std::size_t groups_before_sum = 0;      ///< ... behind so many of the groups
  bool in_scratch = false;                ///< some read or write the group's temporary memory

  void add_sum(const row_sum& rows) noexcept {
    sum = rows;
    groups_before_sum = group_ends.size();
  }
  /// Groups of no calls do not count.
  void end_group() {
    const std::size_t before = group_ends.empty() ? 0 : group_ends.back();
    if (calls.size() > before) group_ends.push_back(calls.size());
  }
};

}  // namespace mics::nccl
