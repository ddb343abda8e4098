// Streams: queues with a thread each.

#include "stream.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "device.hpp"
#include "ledger.hpp"

namespace fake_gpu {

namespace {

/// All streams; those that were destroyed with work in them stay until it has ended, as CUDA's do.
struct registry {
  std::mutex mutex;
  std::vector<std::shared_ptr<CUstream_st>> streams;
  std::vector<std::shared_ptr<CUstream_st>> ending;
  std::array<std::shared_ptr<CUstream_st>, device_count> defaults;
};

registry& all() {
  static registry streams;
  return streams;
}

thread_local int captures = 0;
thread_local cudaStreamCaptureMode capture_mode = cudaStreamCaptureModeGlobal;

bool is_default(cudaStream_t handle) {
  return handle == nullptr || handle == cudaStreamLegacy || handle == cudaStreamPerThread;
}

/// Takes all streams out of a capture.
std::shared_ptr<capture> end_capture(std::shared_ptr<capture> ended) {
  for (CUstream_st* const stream : ended->streams) stream->captured.reset();
  return ended;
}

/// Takes the streams that have nothing left to do out of `ending`; the caller lets them go outside the lock.
std::vector<std::shared_ptr<CUstream_st>> take_ended(registry& streams) {
  const auto ended = std::stable_partition(streams.ending.begin(), streams.ending.end(),
                                           [](const auto& stream) { return !stream->worker.idle(); });
  std::vector<std::shared_ptr<CUstream_st>> taken(ended, streams.ending.end());
  streams.ending.erase(ended, streams.ending.end());
  return taken;
}

}  // namespace

worker::worker() : thread_([this] { run(); }) {}

worker::~worker() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void worker::add(work piece) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(piece));
  }
  changed_.notify_all();
}

bool worker::idle() const {
  const std::lock_guard lock(mutex_);
  return queue_.empty() && !busy_;
}

bool worker::drain() const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return queue_.empty() && !busy_; });
}

void worker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    {
      const work piece = std::move(queue_.front());
      queue_.pop_front();
      busy_ = true;
      lock.unlock();
      piece();
    }
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

void mark::pass() {
  {
    const std::lock_guard lock(mutex_);
    passed_ = true;
  }
  changed_.notify_all();
}

bool mark::passed() const {
  const std::lock_guard lock(mutex_);
  return passed_;
}

bool mark::wait() const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return passed_; });
}

CUstream_st* find_stream(cudaStream_t handle, int device) {
  registry& streams = all();
  const std::lock_guard lock(streams.mutex);
  if (is_default(handle)) {
    const int its_device = device < 0 ? current_device() : device;
    auto& found = streams.defaults[static_cast<std::size_t>(its_device)];
    if (!found) found.reset(new CUstream_st{its_device});
    return found.get();
  }
  for (const auto& stream : streams.streams) {
    if (stream.get() == handle) return handle;
  }
  complain("a stream was used that has been destroyed, or never was one");
  return nullptr;
}

void enqueue(CUstream_st& stream, work piece) {
  if (stream.captured) {
    capture& into = *stream.captured;
    into.graph.pieces.push_back(std::move(piece));
    if (&stream != into.origin &&
        std::find(into.unjoined.begin(), into.unjoined.end(), &stream) == into.unjoined.end()) {
      into.unjoined.push_back(&stream);
    }
  } else {
    stream.worker.add(std::move(piece));
  }
}

bool wait_in_capture(CUstream_st& stream, const CUevent_st& event) {
  if (event.captured == nullptr) return stream.captured == nullptr;
  if (stream.captured == nullptr) {
    stream.captured = event.captured;
    event.captured->streams.push_back(&stream);
  }
  if (stream.captured != event.captured) return false;
  if (&stream == event.captured->origin) std::erase(event.captured->unjoined, event.recorded_in);
  return true;
}

bool capturing() { return captures > 0; }

bool forbidden_beside_capture(const char* call) {
  const bool forbidden = capturing() && capture_mode != cudaStreamCaptureModeRelaxed;
  if (forbidden) complain(std::string(call) + " while a graph is captured");
  return forbidden;
}

bool drain_device(int device) {
  std::vector<std::shared_ptr<CUstream_st>> its;
  {
    registry& streams = all();
    const std::lock_guard lock(streams.mutex);
    for (const auto* list : {&streams.streams, &streams.ending}) {
      std::copy_if(list->begin(), list->end(), std::back_inserter(its),
                   [=](const auto& stream) { return stream->device == device; });
    }
    const auto& by_default = streams.defaults[static_cast<std::size_t>(device)];
    if (by_default) its.push_back(by_default);
  }
  return std::all_of(its.begin(), its.end(), [](const auto& stream) { return stream->worker.drain(); });
}

}  // namespace fake_gpu

using fake_gpu::enqueue;
using fake_gpu::fail;
using fake_gpu::find_stream;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int) {
  auto made = std::shared_ptr<CUstream_st>(new CUstream_st{fake_gpu::current_device()});
  *stream = made.get();
  std::vector<std::shared_ptr<CUstream_st>> ended;
  auto& streams = fake_gpu::all();
  const std::lock_guard lock(streams.mutex);
  streams.streams.push_back(std::move(made));
  ended = take_ended(streams);
  fake_gpu::count(&fake_gpu::inventory::streams, 1);
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (find_stream(stream) == nullptr) return fail(cudaErrorInvalidResourceHandle);
  std::vector<std::shared_ptr<CUstream_st>> ended;
  auto& streams = fake_gpu::all();
  const std::lock_guard lock(streams.mutex);
  const auto at = std::find_if(streams.streams.begin(), streams.streams.end(),
                               [=](const auto& each) { return each.get() == stream; });
  if (at == streams.streams.end()) return fail(cudaErrorInvalidResourceHandle);
  streams.ending.push_back(*at);
  streams.streams.erase(at);
  ended = take_ended(streams);
  fake_gpu::count(&fake_gpu::inventory::streams, -1);
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (found->captured) return fail(cudaErrorStreamCaptureUnsupported);
  if (found->worker.idle()) return cudaSuccess;
  std::this_thread::yield();  // the worker may be waiting for this core
  return cudaErrorNotReady;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (found->captured) return fail(cudaErrorStreamCaptureUnsupported);
  if (found->worker.drain()) return cudaSuccess;
  fake_gpu::complain("cudaStreamSynchronize waits for work that never ends");
  return fail(cudaErrorLaunchTimeout);
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr) return fail(cudaErrorInvalidResourceHandle);
  *device = found->device;
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr) return fail(cudaErrorInvalidResourceHandle);
  *status = found->captured ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr || event == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (!fake_gpu::wait_in_capture(*found, *event)) return fail(cudaErrorStreamCaptureIsolation);
  if (event->captured || !event->last) return cudaSuccess;
  enqueue(*found, [last = event->last] {
    if (!last->wait()) fake_gpu::complain("a stream waits for an event that never happens");
  });
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(*mode, fake_gpu::capture_mode);
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (found->captured) return fail(cudaErrorIllegalState);
  found->captured = std::make_shared<fake_gpu::capture>(fake_gpu::capture{.origin = found});
  ++fake_gpu::captures;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr || !found->captured || found->captured->origin != found) return fail(cudaErrorIllegalState);
  const auto ended = fake_gpu::end_capture(found->captured);
  --fake_gpu::captures;
  if (!ended->unjoined.empty()) {
    fake_gpu::complain("a capture ended while a stream that was forked from it had not been joined");
    return fail(cudaErrorStreamCaptureUnjoined);
  }
  *graph = new CUgraph_st{std::move(ended->graph)};
  fake_gpu::count(&fake_gpu::inventory::graphs, 1);
  return cudaSuccess;
}

}  // extern "C"
