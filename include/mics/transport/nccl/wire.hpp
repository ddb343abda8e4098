#pragma once

#include <cstddef>

#include <cuda_runtime_api.h>
#include <nccl.h>

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

  void all_gather(const std::byte* from, std::byte* to, std::size_t bytes) const {
    if (bytes > 0) check(ncclAllGather(from, to, bytes, ncclInt8, comm, stream), "ncclAllGather", comm);
  }
  void broadcast(const std::byte* from, std::byte* to, std::size_t bytes, int root) const {
    if (bytes > 0) check(ncclBroadcast(from, to, bytes, ncclInt8, root, comm, stream), "ncclBroadcast", comm);
  }
  void send(const std::byte* from, std::size_t bytes, int peer) const {
    if (bytes > 0) check(ncclSend(from, bytes, ncclInt8, peer, comm, stream), "ncclSend", comm);
  }
  void receive(std::byte* to, std::size_t bytes, int peer) const {
    if (bytes > 0) check(ncclRecv(to, bytes, ncclInt8, peer, comm, stream), "ncclRecv", comm);
  }
  void reduce_scatter(const std::byte* from, std::byte* to, std::size_t count, native_sum how) const {
    if (count == 0) return;
    check(ncclReduceScatter(from, to, count, how.type, how.op, comm, stream), "ncclReduceScatter", comm);
  }
  void reduce(const std::byte* from, std::byte* to, std::size_t count, native_sum how, int root) const {
    if (count > 0) check(ncclReduce(from, to, count, how.type, how.op, root, comm, stream), "ncclReduce", comm);
  }
  void all_reduce(const std::byte* from, std::byte* to, std::size_t count, native_sum how) const {
    if (count > 0) check(ncclAllReduce(from, to, count, how.type, how.op, comm, stream), "ncclAllReduce", comm);
  }
};

}  // namespace mics::nccl
