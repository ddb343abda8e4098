// Groups of calls: at the end all calls of all communicators are begun before any is waited for. In a stream, a group
// is one launch for each communicator, in the order of their first calls.

#include "group.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ledger.hpp"
#include "stream.hpp"

namespace fake_gpu {

namespace {

struct launch {
  std::shared_ptr<ncclComm> comm;
  CUstream_st* stream;
  std::vector<call> calls;
};

struct group {
  int depth = 0;
  ncclResult_t error = ncclSuccess;
  std::vector<launch> launches;
  std::vector<std::function<ncclResult_t()>> waiting;
};
thread_local group current;

void begin(launch&& l) {
  if (!l.stream->captured) l.comm->in_flight++;
  const bool captured = l.stream->captured != nullptr;
  // The launches of one communicator run in the order of the host's calls, in whatever streams they are.
  const auto before = captured ? nullptr : l.comm->last_launch;
  const auto done = std::make_shared<mark>();
  if (!captured) l.comm->last_launch = done;
  const auto kept = captured ? l.comm->in_graphs : nullptr;  // as long as the graph
  enqueue(*l.stream, [captured, kept, before, done, comm = std::move(l.comm), calls = std::move(l.calls)] {
    if (before != nullptr && !before->wait()) complain("a launch waits for the one before it, which never ends");
    std::vector<std::shared_ptr<meeting>> meetings;
    for (const call& c : calls) meetings.push_back(comm->all->post(comm->rank, c));
    for (const auto& m : meetings) comm->all->await(comm->rank, *m);
    done->pass();
    if (!captured) comm->in_flight--;
  });
}

/// In the first collective of each algorithm the ranks of a communicator are connected; several communicators are at
/// the same time.
ncclResult_t connect(const std::vector<launch>& launches) {
  std::vector<std::pair<std::shared_ptr<ncclComm>, std::size_t>> fresh;
  for (const launch& l : launches) {
    for (const call& c : l.calls) {
      const std::size_t algorithm = algorithm_of(c);
      if (c.what == kind::send || c.what == kind::receive || !l.comm->blocking || l.comm->connected[algorithm])
        continue;
      l.comm->connected[algorithm] = true;
      fresh.emplace_back(l.comm, algorithm);
    }
  }
  for (const auto& [comm, algorithm] : fresh) comm->all->begin_to_connect(comm->rank, algorithm);
  for (const auto& [comm, algorithm] : fresh) {
    if (const ncclResult_t result = comm->all->connect(comm->rank, algorithm); result != ncclSuccess) return result;
    take_native(*comm, connection_bytes);
  }
  return ncclSuccess;
}

ncclResult_t end() {
  group done = std::exchange(current, group{});
  ncclResult_t fine = ncclSuccess;
  for (const auto& wait : done.waiting) {
    const ncclResult_t result = wait();
    if (result == ncclInProgress)
      fine = result;
    else if (done.error == ncclSuccess)
      done.error = result;
  }
  if (done.error == ncclSuccess) done.error = connect(done.launches);
  if (done.error != ncclSuccess) return done.error;
  for (launch& l : done.launches) {
    if (!l.comm->blocking) fine = ncclInProgress;
    begin(std::move(l));
  }
  return fine;
}

}  // namespace

ncclResult_t submit(const std::shared_ptr<ncclComm>& comm, cudaStream_t stream, const call& c) {
  CUstream_st* const found = find_stream(stream, comm->device);
  if (found == nullptr) return fail_group(ncclInvalidArgument);
  if (found->device != comm->device) {
    complain("a stream of device " + std::to_string(found->device) + " for a communicator of device " +
             std::to_string(comm->device));
    return fail_group(ncclInvalidArgument);
  }
  if (current.depth == 0) {
    std::vector<launch> alone{{comm, found, {c}}};
    if (const ncclResult_t result = connect(alone); result != ncclSuccess) return result;
    begin(std::move(alone.front()));
    return comm->blocking ? ncclSuccess : ncclInProgress;
  }
  const auto same = std::find_if(current.launches.begin(), current.launches.end(),
                                 [&](const launch& l) { return l.comm == comm && l.stream == found; });
  if (same != current.launches.end()) {
    same->calls.push_back(c);
  } else {
    current.launches.push_back({comm, found, {c}});
  }
  return ncclSuccess;
}

ncclResult_t behind_group(std::function<ncclResult_t()> waiting) {
  if (current.depth == 0) return waiting();
  current.waiting.push_back(std::move(waiting));
  return ncclSuccess;
}

ncclResult_t fail_group(ncclResult_t error) {
  if (current.depth > 0) current.error = error;
  return error;
}

}  // namespace fake_gpu

extern "C" {

ncclResult_t ncclGroupStart() {
  ++fake_gpu::current.depth;
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
  if (fake_gpu::current.depth == 0) {
    fake_gpu::complain("ncclGroupEnd without ncclGroupStart");
    return ncclInvalidUsage;
  }
  return --fake_gpu::current.depth > 0 ? ncclSuccess : fake_gpu::end();
}

}  // extern "C"
