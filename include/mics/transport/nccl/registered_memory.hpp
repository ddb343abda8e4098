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
#include <mics/transport/nccl/device.hpp>
#include <mics/transport/nccl/grouped.hpp>
#include <mics/transport/nccl/host_watch.hpp>
#include <mics/transport/nccl/member.hpp>

namespace mics::nccl {

/// Does this build of NCCL let the ranks of a node reach each other's buffers (2.27)?
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0)
inline constexpr bool has_windows = true;
#else
inline constexpr bool has_windows = false;
#endif

/// Device memory that the ranks of a node reach directly: the node stage of a gather into it runs in NCCL's symmetric
/// kernels, and for large rows by copy engines, which take no multiprocessor from computation. Results of gathers
/// profit, of blocks that are multiples of 16 bytes; each rank's result must begin at the same offset of the memory.
/// - Made by every rank of the group with the same size, at the same point; blocking. Freed likewise.
/// - If one rank passes such memory to a gather, all ranks do.
/// - With NCCL before 2.27 it is plain memory.
class registered_memory {
 public:
  /// Takes `bytes` on the group's device and registers them. Throws transport_error when there is no more.
  registered_memory(const communicator_ref& group, std::size_t bytes) : group_(group.state()), bytes_(bytes) {
    const device_scope current(group_->device());
    void* memory = nullptr;
    check(ncclMemAlloc(&memory, std::max<std::size_t>(bytes, 1)), "ncclMemAlloc", group_->whole(), group_->where());
    memory_ = static_cast<std::byte*>(memory);
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

  /// Nothing stays behind when it fails.
  void enroll() {
    if constexpr (!has_windows) return;
    if (group_->shape().node_size == 1) return;        // nobody to reach
    if (!group_->shape().flat_reason.empty()) return;  // flat, but not inside one node
    try {
      within_deadline({group_.get()}, group_->chosen().timeout, "registering memory", [this] {
        open_window(stage::windows);
        if (has_copy_engines) open_window(stage::copy_engines);
      });
    } catch (...) {
      release();
      throw;
    }
    group_->windows().add(memory_, bytes_);
  }

  /// Lets the ranks of a stage's communicator reach the memory. Collective.
  void open_window(stage s) {
    if (!group_->has(s)) grouped(group_->whole(), [&] { group_->make(s); });
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0)
    handle window{};
    const ncclComm_t comm = group_->wire_of(s, nullptr).comm;
    check(ncclCommWindowRegister(comm, memory_, std::max<std::size_t>(bytes_, 1), &window, NCCL_WIN_COLL_SYMMETRIC),
          "ncclCommWindowRegister", comm, group_->where());
    handles_.emplace_back(comm, window);
#endif
  }

  void release() noexcept {
    if (memory_ == nullptr) return;
    group_->windows().remove(memory_);
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0)
    if (!group_->aborted()) {
      for (const auto& [comm, window] : handles_) ncclCommWindowDeregister(comm, window);
    }
#endif
    ncclMemFree(memory_);
    memory_ = nullptr;
  }

  std::shared_ptr<member> group_;
  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
  std::vector<std::pair<ncclComm_t, handle>> handles_{};
};

}  // namespace mics::nccl
