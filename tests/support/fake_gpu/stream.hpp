#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <cuda_runtime_api.h>

namespace fake_gpu {

using work = std::function<void()>;

/// Where the work of one queue is done, one piece behind the other.
class worker {
 public:
  worker();
  ~worker();  ///< ends after what is queued
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  void add(work piece);
  [[nodiscard]] bool idle() const;
  /// Waits for what is queued; false: it has not ended in time.
  [[nodiscard]] bool drain() const;

 private:
  void run();

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<work> queue_;
  bool busy_ = false;
  bool closing_ = false;
  std::thread thread_;
};

/// A point in a stream that is passed or not.
class mark {
 public:
  void pass();
  [[nodiscard]] bool passed() const;
  [[nodiscard]] bool wait() const;  ///< false: not in time

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool passed_ = false;
};

/// The stream of a handle; a default stream is the current device's unless `device` is given. Null, and a complaint,
/// when there is no such stream.
CUstream_st* find_stream(cudaStream_t handle, int device = -1);

/// Adds work to a stream, or to the graph that it is captured into.
void enqueue(CUstream_st& stream, work piece);

/// A wait for an event where a capture is involved: it takes the stream into the event's capture, or says whether the
/// two have nothing to do with each other, or are in the same one.
[[nodiscard]] bool wait_in_capture(CUstream_st& stream, const CUevent_st& event);

/// Is this thread capturing? Much is forbidden then.
[[nodiscard]] bool capturing();
/// The same for what a thread may do that has asked for it (cudaThreadExchangeStreamCaptureMode); a complaint if not.
[[nodiscard]] bool forbidden_beside_capture(const char* call);

/// Waits for all streams of a device; false: not in time.
[[nodiscard]] bool drain_device(int device);

}  // namespace fake_gpu

struct CUgraph_st {
  std::vector<fake_gpu::work> pieces;
};

struct CUgraphExec_st {
  std::vector<fake_gpu::work> pieces;
};

namespace fake_gpu {

/// What is captured so far, in one stream or in several that were forked from it. It is replayed in one, in the order
/// in which it was captured.
struct capture {
  CUgraph_st graph{};
  CUstream_st* origin;
  std::vector<CUstream_st*> streams{origin};  ///< all that take part
  std::vector<CUstream_st*> unjoined{};       ///< streams whose last work nothing in the origin waits for
};

}  // namespace fake_gpu

struct CUstream_st {
  int device;
  std::shared_ptr<fake_gpu::capture> captured{};  ///< while it is
  fake_gpu::worker worker{};
};

struct CUevent_st {
  int device;
  std::shared_ptr<fake_gpu::mark> last{};
  std::shared_ptr<fake_gpu::capture> captured{};  ///< if it was recorded in a capture, ...
  CUstream_st* recorded_in{};                     ///< ... where
};
