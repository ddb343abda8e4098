// Graphs and events.

#include <memory>

#include <cuda_runtime_api.h>

#include "device.hpp"
#include "ledger.hpp"
#include "stream.hpp"

using fake_gpu::count;
using fake_gpu::fail;
using fake_gpu::find_stream;
using fake_gpu::inventory;

extern "C" {

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long) {
  *made = new CUgraphExec_st{graph->pieces};
  count(&inventory::graphs, 1);
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr) return fail(cudaErrorInvalidResourceHandle);
  for (const auto& piece : graph->pieces) fake_gpu::enqueue(*found, piece);
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  count(&inventory::graphs, -1);
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete graph;
  count(&inventory::graphs, -1);
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int) {
  *event = new CUevent_st{fake_gpu::current_device()};
  count(&inventory::events, 1);
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  count(&inventory::events, -1);
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  CUstream_st* const found = find_stream(stream);
  if (found == nullptr || event == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (found->device != event->device) {
    fake_gpu::complain("an event of one device was recorded in a stream of another");
    return fail(cudaErrorInvalidResourceHandle);
  }
  event->captured = found->captured;
  event->recorded_in = found;
  if (found->captured) return cudaSuccess;  // no work: the graph is replayed in one stream
  event->last = std::make_shared<fake_gpu::mark>();
  fake_gpu::enqueue(*found, [last = event->last] { last->pass(); });
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (fake_gpu::forbidden_beside_capture("cudaEventQuery")) return fail(cudaErrorStreamCaptureUnsupported);
  return !event->last || event->last->passed() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return !event->last || event->last->wait() ? cudaSuccess : fail(cudaErrorLaunchTimeout);
}

}  // extern "C"
