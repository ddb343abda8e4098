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
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl::detail {

/// A communicator in the making. NCCL waits for all its ranks, without a deadline, and there is nothing yet that the
/// library could abort to end that. So a thread waits, and may be left alone with it.
class making {
 public:
  /// In a thread of its own: makes a communicator by `call(communicator*)`, or ends it again when nobody wants it any
  /// more. `parent`: the caller's, that it is split off from; null if there is none.
  template <class Call> void run(int device, ncclComm_t parent, Call call) {
    ncclResult_t result = ncclUnhandledCudaError;
    if (cudaSetDevice(device) == cudaSuccess) result = call(made_.get());
    std::unique_lock lock(mutex_);
    // If the parent does not block, only its state tells when the split is done: some NCCLs return ncclSuccess before.
    while (parent != nullptr && !abandoned_ && (result == ncclSuccess || result == ncclInProgress)) {
      // (Once abandoned it is not touched any more: its owner may have ended it.)
      if (ncclCommGetAsyncError(parent, &result) != ncclSuccess) result = ncclInternalError;
      if (result != ncclInProgress) break;
      changed_.wait_for(lock, std::chrono::milliseconds(1), [this] { return abandoned_; });
    }
    if (abandoned_) {
      if (result == ncclInProgress) return static_cast<void>(made_.release());  // NCCL may still write to it
      lock.unlock();
      if (result == ncclSuccess && *made_ != nullptr) ncclCommAbort(*made_);
      return;
    }
    result_ = result;
    done_ = true;
    changed_.notify_all();
  }

  /// Waits for run(); null at the deadline.
  ncclComm_t await(std::chrono::milliseconds timeout, ncclComm_t parent, const char* name, const error_context& where) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [this] { return done_; })) {
      abandoned_ = true;
      changed_.notify_all();
      return nullptr;
    }
    check(result_, name, parent != nullptr ? parent : *made_, [&where] { return where; });
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

/// Makes a communicator by a call of NCCL, `name`, that waits for other ranks: `call(communicator*)`. Throws
/// timeout_error at the deadline, with `advice`; `parent`, if there is one, is not touched then.
template <class Call>
ncclComm_t make_in_time(std::chrono::milliseconds timeout, int device, ncclComm_t parent, const char* name,
                        const std::string& advice, const error_context& where, Call call) {
  const auto its = std::make_shared<making>();
  std::thread([its, device, parent, call] { its->run(device, parent, call); }).detach();
  if (const ncclComm_t made = its->await(timeout, parent, name, where)) return made;
  throw timeout_error("no end after " + std::to_string(timeout.count()) + " ms; " + advice, where);
}

}  // namespace mics::nccl::detail
