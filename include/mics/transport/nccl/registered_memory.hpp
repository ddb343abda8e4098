#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/communicator.hpp>
#include <mics/transport/nccl/group/host_watch.hpp>
#include <mics/transport/nccl/group/make_stage.hpp>
#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/group/native_bytes.hpp>
#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/together.hpp>

namespace mics::nccl {

/// Device memory that the ranks of a node reach directly: the node stage of a gather into it runs in NCCL's symmetric
/// kernels, and for large rows by copy engines, which take no multiprocessor from computation. So do sums inside a
/// node, reduce-scattered or all-reduced out of it and into it, of up to 16 MiB in float32, float16 or bfloat16.
/// - What profits moves in whole blocks, unless the caller's `chunk_bytes` asks for pieces, which do not.
/// - To profit, blocks are multiples of 16 bytes, and buffers begin at such, on all ranks or on none; the result of a
///   gather or an all-reduce, and the input of a reduction, begin at the same offset of the memory on every rank.
/// - Made by every rank of the group with the same size, at the same point; blocking. Freed likewise.
/// - If one rank passes such memory to a collective, all ranks do; checked mode compares it.
/// - One thread for each GPU: not inside mics::nccl::together.
/// - Where the headers or the library that runs are NCCL before 2.27 it is plain memory.
class registered_memory {
 public:
  /// Takes `bytes` on the group's device and registers them. Throws transport_error when there is no more, usage_error
  /// inside mics::nccl::together.
  registered_memory(const communicator_ref& group, std::size_t bytes) : group_(group.state()), bytes_(bytes) {
    if (together::current() != nullptr) {
      throw usage_error(
          "memory is registered inside mics::nccl::together, where other GPUs of this thread may have to take part; "
          "register it before, in a thread for each GPU",
          group.alive().where(doing));
    }
    const device_scope current(group.alive().device());
    memory_ = static_cast<std::byte*>(take());
    enroll();
  }
  ~registered_memory() { release(); }
  registered_memory(registered_memory&& other) noexcept
      : group_(std::move(other.group_)),
        memory_(std::exchange(other.memory_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)),
        handles_(std::move(other.handles_)) {}
  registered_memory& operator=(registered_memory&& other) noexcept {
    release();
    group_ = std::move(other.group_);
    memory_ = std::exchange(other.memory_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    handles_ = std::move(other.handles_);
    return *this;
  }
  registered_memory(const registered_memory&) = delete;
  registered_memory& operator=(const registered_memory&) = delete;

  [[nodiscard]] std::byte* data() const noexcept { return memory_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_; }
  /// All of it, as elements.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::span<T> as() const noexcept { return {reinterpret_cast<T*>(memory_), bytes_ / sizeof(T)}; }

 private:
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0)
  using handle = ncclWindow_t;
#else
  using handle = void*;
#endif

  static constexpr const char* doing = "registered_memory";

  [[nodiscard]] void* take() const {
    const std::size_t bytes = std::max<std::size_t>(bytes_, 1);
    const auto where = [this] { return group_->where(doing); };
    void* memory = nullptr;
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 19, 0)
    if (group_->features().allocator) {
      check(ncclMemAlloc(&memory, bytes), "ncclMemAlloc", group_->whole(), where);
      return memory;
    }
#endif
    check(cudaMalloc(&memory, bytes), "cudaMalloc", where);
    return memory;
  }
  void give_back() const noexcept {
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 19, 0)
    if (group_->features().allocator) return static_cast<void>(ncclMemFree(memory_));
#endif
    cudaFree(memory_);
  }

  /// Nothing stays behind when it fails.
  void enroll() {
    if (!group_->features().windows) return;
    if (group_->shape().node_size == 1) return;        // nobody to reach
    if (!group_->shape().flat_reason.empty()) return;  // flat, but not inside one node
    try {
      const native_bytes_counter taken({group_.get()});
      within_deadline({group_.get()}, group_->chosen().timeout, group_->where(doing), [this] {
        open_window(stage::windows);
        if (group_->features().copy_engines) open_window(stage::copy_engines);
      });
      taken.count();
    } catch (...) {
      release();
      throw;
    }
    group_->open_window(memory_, bytes_);
  }

  /// Lets the ranks of a stage's communicator reach the memory. Collective.
  void open_window(stage s) {
    member* const alone = group_.get();
    if (!alone->has(s)) make_stage(std::span<member* const>(&alone, 1), s);
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0)
    handle window{};
    const ncclComm_t comm = group_->wire_of(s, nullptr).comm;
    check(ncclCommWindowRegister(comm, memory_, std::max<std::size_t>(bytes_, 1), &window, NCCL_WIN_COLL_SYMMETRIC),
          "ncclCommWindowRegister", comm, [this] { return group_->where(doing); });
    handles_.emplace_back(comm, window);
#endif
  }

  void release() noexcept {
    if (memory_ == nullptr) return;
    group_->end_if_failed();
    group_->close_window(memory_);
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0)
    if (group_->family().enter_nccl()) {  // else the communicators are gone, and the windows with them
      for (const auto& [comm, window] : handles_) ncclCommWindowDeregister(comm, window);
      group_->family().leave_nccl();
    }
#endif
    handles_.clear();
    if (!group_->stuck()) give_back();
    memory_ = nullptr;
  }

  std::shared_ptr<member> group_;
  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
  std::vector<std::pair<ncclComm_t, handle>> handles_{};
};

}  // namespace mics::nccl
