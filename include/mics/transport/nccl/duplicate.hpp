#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/result.hpp>

namespace mics::nccl::detail {

/// A split of a communicator that is not the library's. NCCL waits in it for all ranks, without a deadline, and only to
/// abort the communicator ends that, which is its owner's to do. So a thread waits, and may be left alone with it.
class foreign_split {
 public:
  /// In a thread of its own: makes a communicator of all ranks of `from`, or ends it again when nobody wants it any
  /// more.
  void run(ncclComm_t from, int device, int rank) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.splitShare = 0;  // to abort it must not abort the caller's
    config.blocking = 1;    // whatever the caller's is
    ncclResult_t result = ncclUnhandledCudaError;
    if (cudaSetDevice(device) == cudaSuccess) result = ncclCommSplit(from, 0, rank, made_.get(), &config);
    std::unique_lock lock(mutex_);
    // If the caller's does not block, only its state tells when the split is done: some NCCLs return ncclSuccess
    // before.
    while (!abandoned_ && (result == ncclSuccess || result == ncclInProgress)) {
      // (Once abandoned it is not touched any more: its owner may have ended it.)
      if (ncclCommGetAsyncError(from, &result) != ncclSuccess) result = ncclInternalError;
      if (result != ncclInProgress) break;
      changed_.wait_for(lock, std::chrono::milliseconds(1), [this] { return abandoned_; });
    }
    if (abandoned_) {
      if (result == ncclInProgress) return static_cast<void>(made_.release());  // NCCL may still write to it
      lock.unlock();
      if (*made_ != nullptr) ncclCommAbort(*made_);
      return;
    }
    result_ = result;
    done_ = true;
    changed_.notify_all();
  }

  /// Waits for run(); null at the deadline.
  ncclComm_t await(std::chrono::milliseconds timeout, ncclComm_t from, const error_context& where) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [this] { return done_; })) {
      abandoned_ = true;
      changed_.notify_all();
      return nullptr;
    }
    check(result_, "ncclCommSplit", from, where);
    return *made_;
  }

 private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  bool done_ = false;
  bool abandoned_ = false;
  std::unique_ptr<ncclComm_t> made_ = std::make_unique<ncclComm_t>(nullptr);
  ncclResult_t result_ = ncclSuccess;
};

/// A communicator of the same ranks as `from`, which is not touched at the deadline. Throws timeout_error.
inline ncclComm_t duplicate(ncclComm_t from, std::chrono::milliseconds timeout, const std::string& name) {
  error_context where;
  where.group = name;
  where.stage = "splitting off from the caller's communicator";
  int device = 0;
  check(ncclCommUserRank(from, &where.rank), "ncclCommUserRank", from);
  check(ncclCommCuDevice(from, &device), "ncclCommCuDevice", from);
  const auto split = std::make_shared<foreign_split>();
  std::thread([split, from, device, rank = where.rank] { split->run(from, device, rank); }).detach();
  if (const ncclComm_t made = split->await(timeout, from, where)) return made;
  throw timeout_error("no end after " + std::to_string(timeout.count()) +
                          " ms; abort the communicator that was to be duplicated: NCCL still waits in it",
                      std::move(where));
}

}  // namespace mics::nccl::detail
