#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/transport/nccl/group/await.hpp>
#include <mics/transport/nccl/group/host_watch.hpp>
#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/group/native_bytes.hpp>
#include <mics/transport/nccl/group/scratch.hpp>
#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/native/grouped.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl {

/// A stream of the library's own.
class own_stream {
 public:
  explicit own_stream(int device) {
    const device_scope current(device);
    check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  }
  ~own_stream() { cudaStreamDestroy(handle_); }
  own_stream(const own_stream&) = delete;
  own_stream& operator=(const own_stream&) = delete;

  [[nodiscard]] cudaStream_t get() const noexcept { return handle_; }

 private:
  cudaStream_t handle_ = nullptr;
};

/// Among the forms of which a group counts the first use; those of operations have smaller numbers.
inline constexpr unsigned host_exchange_form = 63;

/// One rank's part in an exchange of small values between hosts: its values go to its GPU, the group's come back.
template <class T>
requires std::is_trivially_copyable_v<T>
class host_exchange {
 public:
  host_exchange(member& group, std::span<const T> own, std::string_view doing)
      : group_(&group),
        doing_(doing),
        stream_(group.device()),
        all_(static_cast<std::size_t>(group.shape().size) * own.size()) {
    const device_scope current(group.device());
    own_bytes_ = own.size_bytes();
    memory_ =
        allocate_device(own_bytes_ + all_.size() * sizeof(T), [this] { return group_->where(std::string(doing_)); });
    copy(memory_.get(), own.data(), own_bytes_, cudaMemcpyHostToDevice);
  }

  void begin() const {
    wire whole = group_->wire_of(stage::whole, stream_.get());
    whole.operation = doing_;
    whole.all_gather(memory_.get(), gathered(), own_bytes_);
  }

  /// Gives its memory up without freeing it, where nobody can end what uses it.
  void abandon() noexcept {
    if (group_->stuck()) static_cast<void>(memory_.release());
  }

  /// Waits, with the group's deadline.
  std::vector<T> finish() {
    detail::await(*group_, stream_.get(), group_->chosen().timeout, doing_);
    const device_scope current(group_->device());
    // It waits for the copy, which no deadline would end.
    copy(all_.data(), gathered(), all_.size() * sizeof(T), cudaMemcpyDeviceToHost);
    return std::move(all_);
  }

 private:
  [[nodiscard]] std::byte* gathered() const noexcept { return memory_.get() + own_bytes_; }

  void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind way) const {
    check(cudaMemcpyAsync(to, from, bytes, way, stream_.get()), "cudaMemcpyAsync");
  }

  member* group_;
  std::string_view doing_;
  own_stream stream_;
  std::vector<T> all_;
  std::size_t own_bytes_ = 0;
  device_bytes memory_{};
};

/// Gathers small values of the hosts of all ranks, equally many of each, rank by rank; for several GPUs that one thread
/// drives at once, each with its group and as many of `own` as the others. `doing`: what for, in an error's words.
/// Collective and blocking, with the groups' deadline; never while a graph is captured.
template <class T>
std::vector<std::vector<T>> gather_on_host(std::span<member* const> groups, std::span<const T> own,
                                           std::string_view doing) {
  const std::size_t each = own.size() / groups.size();
  std::deque<host_exchange<T>> exchanges;  // they stay where they are
  bool first_use = false;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    exchanges.emplace_back(*groups[i], own.subspan(i * each, each), doing);
    const bool its_first = groups[i]->first_use(host_exchange_form, own.size_bytes());
    first_use = first_use || its_first;
  }
  error_context where = groups.front()->where(std::string(doing));
  const auto begin = [&] {
    grouped(
        groups.front()->whole(), [&] { return where; },
        [&] {
          for (const host_exchange<T>& one : exchanges) one.begin();
        });
  };
  std::vector<std::vector<T>> all;
  try {
    if (first_use) {
      const native_bytes_counter taken({groups.begin(), groups.end()});
      where.stage = "connecting the ranks";
      within_deadline({groups.begin(), groups.end()}, groups.front()->chosen().timeout, where, begin);
      taken.count();
    } else {
      const native_calls under_way(groups);
      begin();
    }
    for (host_exchange<T>& one : exchanges) all.push_back(one.finish());
  } catch (const std::exception& why) {  // who frees the memory of an exchange waits for its end
    for (member* const group : groups) {
      group->failure()->set(why.what());
      group->abort();
    }
    for (host_exchange<T>& one : exchanges) one.abandon();
    throw;
  }
  return all;
}

/// The same for one GPU.
template <class T> std::vector<T> gather_on_host(member& group, std::span<const T> own, std::string_view doing) {
  member* const alone = &group;
  return std::move(gather_on_host(std::span<member* const>(&alone, 1), own, doing).front());
}

}  // namespace mics::nccl
