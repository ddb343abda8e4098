// Communicators: made, split, asked and ended.

#include "communicator.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <tuple>

#include "device.hpp"
#include "group.hpp"
#include "ledger.hpp"
#include "memory.hpp"
#include "stream.hpp"

namespace fake_gpu {

namespace {

/// Ranks that find each other by a unique id.
struct founding {
  explicit founding(int size) : devices(size), all(std::make_shared<clique>(size)) {}
  gathering<int> devices;
  std::shared_ptr<clique> all;
};

struct registry {
  std::mutex mutex;
  std::map<ncclComm_t, std::shared_ptr<ncclComm>> alive;
  std::map<std::string, std::shared_ptr<founding>> foundings;
  int ids = 0;
};

registry& all() {
  static registry communicators;
  return communicators;
}

std::atomic<int>& played_version() {
  static std::atomic<int> version{NCCL_VERSION_CODE};
  return version;
}

ncclComm_t enter(const std::shared_ptr<ncclComm>& made) {
  const std::lock_guard lock(all().mutex);
  all().alive[made.get()] = made;
  take_native(*made, communicator_bytes);
  count(&inventory::communicators, 1);
  return made.get();
}

std::shared_ptr<ncclComm> leave(ncclComm_t handle, const char* function) {
  auto found = find_communicator(handle, function);
  if (!found) return found;
  const std::lock_guard lock(all().mutex);
  all().alive.erase(handle);
  count(&inventory::communicators, -1);
  take_native(found->device, -found->native_bytes);
  const std::lock_guard its_lock(found->mutex);
  const auto left = std::count_if(found->scalars.begin(), found->scalars.end(), [](const auto& s) { return !!s; });
  count(&inventory::reductions, -static_cast<int>(left));
  return found;
}

bool duplicates(std::vector<int> devices) {
  std::sort(devices.begin(), devices.end());
  return std::adjacent_find(devices.begin(), devices.end()) != devices.end();
}

ncclResult_t refuse(const std::string& why) {
  complain(why);
  return ncclInvalidUsage;
}

std::shared_ptr<ncclComm> make(std::shared_ptr<clique> its, int rank, int device, const ncclConfig_t* config) {
  auto made = std::make_shared<ncclComm>();
  made->all = std::move(its);
  made->rank = rank;
  made->device = device;
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 28, 0)
  if (config != nullptr && config->CTAPolicy != NCCL_CONFIG_UNDEF_INT)
    need_library(NCCL_VERSION(2, 28, 0), "CTAPolicy");
  made->copy_engines = config != nullptr && config->CTAPolicy == NCCL_CTA_POLICY_ZERO;
#endif
  made->blocking = config == nullptr || config->blocking != 0;
  return made;
}

/// NCCL ends no communicator while a graph lives that was captured with it.
void await_graphs(const ncclComm& comm) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (comm.in_graphs.use_count() > 1) {
    if (std::chrono::steady_clock::now() > end) return complain("the end of a communicator waits for a graph");
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

ncclResult_t found(ncclComm_t* made, int size, const ncclUniqueId& id, int rank, const ncclConfig_t* config) {
  if (capturing()) return refuse("a communicator was made while a graph is captured");
  if (size < 1 || rank < 0 || rank >= size) return ncclInvalidArgument;
  const std::string key(id.internal, sizeof id.internal);
  std::shared_ptr<founding> meet;
  {
    const std::lock_guard lock(all().mutex);
    auto& slot = all().foundings[key];
    if (!slot) slot = std::make_shared<founding>(size);
    meet = slot;
  }
  if (meet->all->size() != size) return refuse("ranks of one id name different sizes of their world");
  const int device = current_device();
  if (!meet->devices.bring(rank, device)) return refuse("a rank came twice with one id");
  const auto rest = make(meet->all, rank, device, config);
  return behind_group([=] {
    if (!meet->devices.await(rank)) {
      complain("rank " + std::to_string(rank) + " waited in vain for the others to make a communicator");
      return ncclSystemError;
    }
    {
      const std::lock_guard lock(all().mutex);
      all().foundings.erase(key);
    }
    if (duplicates(meet->devices.values())) return refuse("two ranks of a communicator are on one device");
    *made = enter(rest);
    return ncclSuccess;
  });
}

ncclResult_t split(ncclComm_t parent, int colour, int key, ncclComm_t* made, const ncclConfig_t* config) {
  const auto its = find_communicator(parent, "ncclCommSplit");
  if (!its) return ncclInvalidArgument;
  if (capturing()) return refuse("a communicator was split while a graph is captured");
  if (its->all->state(its->rank) != ncclSuccess) return ncclRemoteError;
  const auto meet = its->all->next_split(its->rank);
  meet->bring(its->rank, {colour, key, its->device});
  const auto rest = make(nullptr, 0, its->device, config);
  const auto meet_and_make = [=] {
    if (!meet->await(its->rank)) {
      if (meet->has_left(its->rank)) return ncclInternalError;
      complain("rank " + std::to_string(its->rank) + " waited in vain for the others to split a communicator");
      return ncclSystemError;
    }
    *made = nullptr;
    if (colour == NCCL_SPLIT_NOCOLOR) return ncclSuccess;
    std::vector<std::tuple<int, int>> chosen;  // key, rank
    const auto& values = meet->values();
    for (std::size_t r = 0; r < values.size(); ++r) {
      if (values[r].colour == colour) chosen.emplace_back(values[r].key, static_cast<int>(r));
    }
    std::sort(chosen.begin(), chosen.end());
    const auto me = std::find(chosen.begin(), chosen.end(), std::tuple(key, its->rank));
    rest->all = its->all->part(meet, colour, static_cast<int>(chosen.size()));
    rest->rank = static_cast<int>(me - chosen.begin());
    *made = enter(rest);
    return ncclSuccess;
  };
  if (its->blocking) return behind_group(meet_and_make);
  const ncclResult_t begun = behind_group([its, meet_and_make] {
    its->splitting = true;
    its->split = std::thread([its, meet_and_make] {
      static_cast<void>(meet_and_make());
      its->splitting = false;
    });
    return ncclInProgress;
  });
  return begun == ncclInProgress ? ncclSuccess : begun;  // as NCCL 2.28 does; the state of the parent tells
}

}  // namespace

void pretend_library(int version) { played_version() = version; }

void need_library(int since, const char* what) {
  if (played_version() < since) complain(std::string(what) + " is not in the NCCL that runs");
}

void take_native(ncclComm& comm, std::size_t bytes) {
  comm.native_bytes += static_cast<std::ptrdiff_t>(bytes);
  take_native(comm.device, static_cast<std::ptrdiff_t>(bytes));
}

std::shared_ptr<ncclComm> find_communicator(ncclComm_t handle, const char* function) {
  const std::lock_guard lock(all().mutex);
  const auto found = all().alive.find(handle);
  if (found != all().alive.end()) return found->second;
  complain(std::string(function) + " of a communicator that is not alive");
  return nullptr;
}

}  // namespace fake_gpu

using fake_gpu::find_communicator;

extern "C" {

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  auto& communicators = fake_gpu::all();
  const std::lock_guard lock(communicators.mutex);
  *id = {};
  const std::string text = "fake id " + std::to_string(++communicators.ids);
  std::memcpy(id->internal, text.data(), text.size());
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int size, ncclUniqueId id, int rank, ncclConfig_t* config) {
  return fake_gpu::found(comm, size, id, rank, config);
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int size, ncclUniqueId id, int rank) {
  return fake_gpu::found(comm, size, id, rank, nullptr);
}

ncclResult_t ncclCommInitAll(ncclComm_t* comms, int size, const int* devices) {
  ncclUniqueId id;
  ncclGetUniqueId(&id);
  const int before = fake_gpu::current_device();
  ncclGroupStart();
  for (int rank = 0; rank < size; ++rank) {
    cudaSetDevice(devices == nullptr ? rank : devices[rank]);
    fake_gpu::found(comms + rank, size, id, rank, nullptr);
  }
  cudaSetDevice(before);
  return ncclGroupEnd();
}

ncclResult_t ncclCommSplit(ncclComm_t comm, int colour, int key, ncclComm_t* made, ncclConfig_t* config) {
  return fake_gpu::split(comm, colour, key, made, config);
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  return find_communicator(comm, "ncclCommFinalize") ? ncclSuccess : ncclInvalidArgument;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  const auto its = fake_gpu::leave(comm, "ncclCommDestroy");
  if (!its) return ncclInvalidArgument;
  fake_gpu::await_graphs(*its);
  const auto end = std::chrono::steady_clock::now() + fake_gpu::patience;
  while (its->in_flight > 0) {
    if (std::chrono::steady_clock::now() > end) {
      fake_gpu::complain("a communicator was destroyed while an operation in it never ends");
      break;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  if (its->split.joinable()) its->split.join();
  if (!its->windows.empty()) fake_gpu::complain("a communicator was destroyed before its windows");
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  const auto its = fake_gpu::leave(comm, "ncclCommAbort");
  if (!its) return ncclInvalidArgument;
  its->all->abort(its->rank);
  {
    const std::lock_guard lock(its->mutex);
    fake_gpu::count(&fake_gpu::inventory::windows, -static_cast<int>(its->windows.size()));
  }
  const auto await_end = [its] {
    while (its->in_flight > 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
    if (its->split.joinable()) its->split.join();
    fake_gpu::await_graphs(*its);
    return ncclSuccess;
  };
  const bool grouped = fake_gpu::played_version() >= NCCL_VERSION(2, 22, 0);
  return grouped ? fake_gpu::behind_group(await_end) : await_end();
}

ncclResult_t ncclCommCount(const ncclComm_t comm, int* count) {
  const auto its = find_communicator(comm, "ncclCommCount");
  if (!its) return ncclInvalidArgument;
  *count = its->all->size();
  return ncclSuccess;
}

ncclResult_t ncclCommCuDevice(const ncclComm_t comm, int* device) {
  const auto its = find_communicator(comm, "ncclCommCuDevice");
  if (!its) return ncclInvalidArgument;
  *device = its->device;
  return ncclSuccess;
}

ncclResult_t ncclCommUserRank(const ncclComm_t comm, int* rank) {
  const auto its = find_communicator(comm, "ncclCommUserRank");
  if (!its) return ncclInvalidArgument;
  *rank = its->rank;
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  const auto its = find_communicator(comm, "ncclCommGetAsyncError");
  if (!its) return ncclInvalidArgument;
  *state = its->splitting ? ncclInProgress : its->all->state(its->rank);
  return ncclSuccess;
}

const char* ncclGetLastError(ncclComm_t comm) {
  thread_local std::string words;
  words.clear();
  if (comm == nullptr) return words.c_str();
  if (const auto its = find_communicator(comm, "ncclGetLastError"))
    static_cast<void>(its->all->state(its->rank, &words));
  return words.c_str();
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    case ncclInvalidArgument:
      return "invalid argument";
    case ncclInvalidUsage:
      return "invalid usage";
    default:
      return "another error";
  }
}

ncclResult_t ncclGetVersion(int* version) {
  *version = fake_gpu::played_version();
  return ncclSuccess;
}

}  // extern "C"
