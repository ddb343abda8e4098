// Registered memory.

#include <algorithm>
#include <cstddef>
#include <mutex>

#include <nccl.h>

#include "communicator.hpp"
#include "ledger.hpp"
#include "memory.hpp"
#include "stream.hpp"

extern "C" {

ncclResult_t ncclMemAlloc(void** memory, size_t bytes) {
  fake_gpu::need_library(NCCL_VERSION(2, 19, 0), "ncclMemAlloc");
  *memory = fake_gpu::allocate(bytes, fake_gpu::origin::nccl);
  return *memory != nullptr ? ncclSuccess : ncclUnhandledCudaError;
}

ncclResult_t ncclMemFree(void* memory) {
  const int device = fake_gpu::device_of(memory, 1);
  if (device >= 0 && !fake_gpu::drain_device(device)) fake_gpu::complain("ncclMemFree waits for work that never ends");
  return fake_gpu::release(memory, fake_gpu::origin::nccl) ? ncclSuccess : ncclInvalidArgument;
}

#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0)
ncclResult_t ncclCommWindowRegister(ncclComm_t handle, void* memory, size_t bytes, ncclWindow_t* window, int flags) {
  fake_gpu::need_library(NCCL_VERSION(2, 27, 0), "ncclCommWindowRegister");
  const auto comm = fake_gpu::find_communicator(handle, "ncclCommWindowRegister");
  if (!comm) return ncclInvalidArgument;
  if ((flags & NCCL_WIN_COLL_SYMMETRIC) == 0 || !fake_gpu::from_nccl(memory, bytes) ||
      fake_gpu::device_of(memory, bytes) != comm->device) {
    fake_gpu::complain("a window of memory that ncclMemAlloc did not give, or of another device");
    return ncclInvalidArgument;
  }
  comm->all->register_window(comm->rank, bytes);
  const std::lock_guard lock(comm->mutex);
  comm->windows.emplace_back(static_cast<const std::byte*>(memory), bytes);
  *window = static_cast<ncclWindow_t>(memory);  // its address names it
  fake_gpu::count(&fake_gpu::inventory::windows, 1);
  return ncclSuccess;
}

ncclResult_t ncclCommWindowDeregister(ncclComm_t handle, ncclWindow_t window) {
  const auto comm = fake_gpu::find_communicator(handle, "ncclCommWindowDeregister");
  if (!comm) return ncclInvalidArgument;
  const std::lock_guard lock(comm->mutex);
  const auto found = std::find_if(comm->windows.begin(), comm->windows.end(),
                                  [=](const auto& w) { return w.first == static_cast<const void*>(window); });
  if (found == comm->windows.end()) {
    fake_gpu::complain("a window was ended that is not alive");
    return ncclInvalidArgument;
  }
  comm->windows.erase(found);
  fake_gpu::count(&fake_gpu::inventory::windows, -1);
  return ncclSuccess;
}
#endif

}  // extern "C"
