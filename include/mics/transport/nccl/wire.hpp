#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/result.hpp>

namespace mics::nccl {

/// What a reduction does to which elements, in NCCL's terms.
struct native_sum {
  ncclDataType_t type = ncclFloat32;
  ncclRedOp_t op = ncclSum;

  bool operator==(const native_sum&) const = default;
};

/// NCCL's calls in one communicator, in the order of one stream. Copies count bytes, reductions elements; nothing is
/// called for none of them.
struct wire {
  ncclComm_t comm;
  cudaStream_t stream;
  // For who reads of a failure: it costs a call that succeeds nothing.
  const error_context* group = nullptr;  ///< whose call it is; null: not told
  std::string_view operation{};          ///< of which it is a part
  std::uint64_t sequence = 0;
  std::string_view stage{};

  void all_gather(const std::byte* from, std::byte* to, std::size_t bytes) const {
    if (bytes > 0) check(ncclAllGather(from, to, bytes, ncclInt8, comm, stream), "ncclAllGather");
  }
  void broadcast(const std::byte* from, std::byte* to, std::size_t bytes, int root) const {
    if (bytes > 0) check(ncclBroadcast(from, to, bytes, ncclInt8, root, comm, stream), "ncclBroadcast");
  }
  void send(const std::byte* from, std::size_t bytes, int peer) const {
    if (bytes > 0) check(ncclSend(from, bytes, ncclInt8, peer, comm, stream), "ncclSend");
  }
  void receive(std::byte* to, std::size_t bytes, int peer) const {
    if (bytes > 0) check(ncclRecv(to, bytes, ncclInt8, peer, comm, stream), "ncclRecv");
  }
  void reduce_scatter(const std::byte* from, std::byte* to, std::size_t count, native_sum how) const {
    if (count == 0) return;
    check(ncclReduceScatter(from, to, count, how.type, how.op, comm, stream), "ncclReduceScatter");
  }
  void reduce(const std::byte* from, std::byte* to, std::size_t count, native_sum how, int root) const {
    if (count > 0) check(ncclReduce(from, to, count, how.type, how.op, root, comm, stream), "ncclReduce");
  }
  void all_reduce(const std::byte* from, std::byte* to, std::size_t count, native_sum how) const {
    if (count > 0) check(ncclAllReduce(from, to, count, how.type, how.op, comm, stream), "ncclAllReduce");
  }

  [[nodiscard]] error_context where() const {
    error_context known = group != nullptr ? *group : error_context{};
    known.operation = operation;
    known.sequence = sequence;
    known.stage = stage;
    return known;
  }

 private:
  void check(ncclResult_t result, const char* call) const {
    nccl::check(result, call, comm, [this] { return where(); });
  }
};

}  // namespace mics::nccl
