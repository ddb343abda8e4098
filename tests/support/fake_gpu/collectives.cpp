// NCCL's collectives, sends and receives, and reductions of the caller's own.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "communicator.hpp"
#include "group.hpp"
#include "ledger.hpp"

namespace fake_gpu {

namespace {

bool in_window(const ncclComm& comm, const std::byte* memory, std::size_t bytes) {
  return std::any_of(comm.windows.begin(), comm.windows.end(),
                     [=](const auto& w) { return memory >= w.first && memory + bytes <= w.first + w.second; });
}

/// Without multiprocessors there are gathers only, and only of registered memory.
std::string not_by_copy_engines(ncclComm& comm, const call& c) {
  const std::lock_guard lock(comm.mutex);
  const std::size_t bytes = c.count * width_of(c.type);
  const bool fits = c.what == kind::all_gather && in_window(comm, c.from, bytes) &&
                    in_window(comm, c.to, bytes * static_cast<std::size_t>(comm.all->size()));
  return fits ? std::string() : "copy engines cannot do it with this memory";
}

/// As NCCL 2.28 does it on real GPUs: kernels for windows move 16 bytes at once, whatever belongs to the call.
std::string not_in_windows(ncclComm& comm, const call& c) {
  const std::lock_guard lock(comm.mutex);
  const bool reduces = c.what == kind::reduce_scatter || c.what == kind::all_reduce;
  if (comm.windows.empty() || !(reduces || c.what == kind::all_gather)) return {};
  if (reduces) count_window_reduction();
  const std::size_t block = c.count * width_of(c.type);
  const std::size_t read = c.what == kind::reduce_scatter ? block * static_cast<std::size_t>(comm.all->size()) : block;
  if (reduces && !(in_window(comm, c.from, read) && in_window(comm, c.to, block))) {
    return "a reduction of other memory in a communicator for windows";
  }
  const bool odd = block % 16 != 0 || reinterpret_cast<std::uintptr_t>(c.to) % 16 != 0;
  return odd && in_window(comm, c.to, block) ? "blocks of this length overwrite their neighbours in windows"
                                             : std::string();
}

ncclResult_t make_call(ncclComm_t handle, cudaStream_t stream, call c) {
  const auto comm = find_communicator(handle, "a collective");
  if (!comm) return fail_group(ncclInvalidArgument);
  std::string wrong = mistakes(c, comm->rank, comm->all->size(), comm->device);
  if (wrong.empty()) wrong = not_in_windows(*comm, c);
  if (wrong.empty() && comm->copy_engines) {
    wrong = not_by_copy_engines(*comm, c);
    if (wrong.empty()) count_copy_engine_collective();
  }
  if (wrong.empty() && c.op > ncclNumOps) {
    const std::lock_guard lock(comm->mutex);
    const auto which = static_cast<std::size_t>(c.op - ncclNumOps) - 1;
    if (which < comm->scalars.size() && comm->scalars[which]) {
      c.scalar = *comm->scalars[which];
      c.op = ncclNumOps;
    } else {
      wrong = "the reduction is not alive";
    }
  }
  if (wrong.empty()) return submit(comm, stream, c);
  complain(describe(c) + " on rank " + std::to_string(comm->rank) + ": " + wrong);
  return fail_group(ncclInvalidArgument);
}

const std::byte* bytes_of(const void* memory) { return static_cast<const std::byte*>(memory); }
std::byte* bytes_of(void* memory) { return static_cast<std::byte*>(memory); }

}  // namespace

}  // namespace fake_gpu

using fake_gpu::bytes_of;
using fake_gpu::kind;
using fake_gpu::make_call;

extern "C" {

ncclResult_t ncclAllGather(const void* from, void* to, size_t count, ncclDataType_t type, ncclComm_t comm,
                           cudaStream_t stream) {
  return make_call(comm, stream, {kind::all_gather, bytes_of(from), bytes_of(to), count, type});
}

ncclResult_t ncclReduceScatter(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t op,
                               ncclComm_t comm, cudaStream_t stream) {
  return make_call(comm, stream, {kind::reduce_scatter, bytes_of(from), bytes_of(to), count, type, op});
}

ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t stream) {
  return make_call(comm, stream, {kind::all_reduce, bytes_of(from), bytes_of(to), count, type, op});
}

ncclResult_t ncclReduce(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t op, int root,
                        ncclComm_t comm, cudaStream_t stream) {
  return make_call(comm, stream, {kind::reduce, bytes_of(from), bytes_of(to), count, type, op, root});
}

ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t type, int root, ncclComm_t comm,
                           cudaStream_t stream) {
  return make_call(comm, stream, {kind::broadcast, bytes_of(from), bytes_of(to), count, type, ncclSum, root});
}

ncclResult_t ncclSend(const void* from, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return make_call(comm, stream, {kind::send, bytes_of(from), nullptr, count, type, ncclSum, peer});
}

ncclResult_t ncclRecv(void* to, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream) {
  return make_call(comm, stream, {kind::receive, nullptr, bytes_of(to), count, type, ncclSum, peer});
}

ncclResult_t ncclRedOpCreatePreMulSum(ncclRedOp_t* op, void* scalar, ncclDataType_t type,
                                      ncclScalarResidence_t residence, ncclComm_t handle) {
  const auto comm = fake_gpu::find_communicator(handle, "ncclRedOpCreatePreMulSum");
  if (!comm || residence != ncclScalarHostImmediate) return ncclInvalidArgument;
  std::array<std::byte, 8> kept{};
  std::memcpy(kept.data(), scalar, fake_gpu::width_of(type));
  const std::lock_guard lock(comm->mutex);
  comm->scalars.emplace_back(kept);
  *op = static_cast<ncclRedOp_t>(static_cast<int>(ncclNumOps) + static_cast<int>(comm->scalars.size()));
  fake_gpu::count(&fake_gpu::inventory::reductions, 1);
  return ncclSuccess;
}

ncclResult_t ncclRedOpDestroy(ncclRedOp_t op, ncclComm_t handle) {
  if (op <= ncclNumOps) {  // NCCL refuses to destroy its own
    fake_gpu::complain("a reduction was destroyed that NCCL brings along");
    return ncclInvalidArgument;
  }
  const auto comm = fake_gpu::find_communicator(handle, "ncclRedOpDestroy");
  if (!comm) return ncclInvalidArgument;
  const std::lock_guard lock(comm->mutex);
  comm->scalars[static_cast<std::size_t>(op - ncclNumOps) - 1].reset();
  fake_gpu::count(&fake_gpu::inventory::reductions, -1);
  return ncclSuccess;
}

}  // extern "C"
