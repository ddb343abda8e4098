#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/device.hpp>
#include <mics/transport/nccl/event.hpp>
#include <mics/types.hpp>

namespace mics::nccl {

/// The last operations of one communicator: who waits in vain can say for which, and who needs the temporary memory
/// next waits for the last who did. (NCCL itself runs the operations of one communicator in order, in whatever
/// streams.)
///
/// A mark in a stream costs host and GPU more than a small operation can spare, so only some have one behind them.
class journal {
 public:
  struct entry {
    operation what{};
    std::uint64_t sequence = 0;  ///< from 1
    cudaStream_t stream = nullptr;
    event mark{};
    bool marked = false;
  };

  explicit journal(int device) : device_(device) {}

  /// The number of the operation that comes next.
  [[nodiscard]] std::uint64_t next() const noexcept { return written_ + 1; }

  /// Holds a stream back until the temporary memory is free.
  void await_scratch(cudaStream_t stream) const {
    if (scratch_user_ != 0 && scratch_stream_ != stream) scratch_end_.hold_back(stream);
  }

  /// Notes an operation that has just been enqueued.
  void add(operation what, cudaStream_t stream, bool captured, bool used_scratch) {
    entry& e = at(++written_);
    e.what = what;
    e.sequence = written_;
    e.stream = stream;
    e.marked = !captured && written_ % operations_a_mark == 0;
    if (e.marked) set(e.mark, stream);
    if (captured || !used_scratch) return;
    set(scratch_end_, stream);
    scratch_stream_ = stream;
    scratch_user_ = written_;
  }

  /// The host has seen that all of a stream has ended.
  void ended(cudaStream_t stream) noexcept {
    for (std::uint64_t s = written_; s > oldest() && s > ended_; --s) {
      if (at(s).stream == stream) ended_ = s;
    }
  }

  /// The oldest operation of which nobody knows that it has ended.
  [[nodiscard]] std::optional<entry> first_pending() const {
    std::uint64_t known = ended_;
    for (std::uint64_t s = oldest() + 1; s <= written_; ++s) {
      if (at(s).marked && at(s).mark.passed()) known = s;
    }
    if (scratch_user_ > known && scratch_end_.passed()) known = scratch_user_;
    known = known > oldest() ? known : oldest();
    if (known >= written_) return std::nullopt;
    return at(known + 1);
  }

 private:
  static constexpr std::size_t kept = 64;
  static constexpr std::uint64_t operations_a_mark = 8;

  [[nodiscard]] std::uint64_t oldest() const noexcept { return written_ < kept ? 0 : written_ - kept; }
  [[nodiscard]] const entry& at(std::uint64_t sequence) const noexcept { return entries_[sequence % kept]; }
  [[nodiscard]] entry& at(std::uint64_t sequence) noexcept { return entries_[sequence % kept]; }

  void set(event& mark, cudaStream_t stream) const {
    if (!mark.exists()) {
      const device_scope current(device_);
      mark = event::make();
    }
    mark.record(stream);
  }

  int device_;
  std::array<entry, kept> entries_{};
  std::uint64_t written_ = 0;
  std::uint64_t ended_ = 0;  ///< all up to this one have been seen to end
  event scratch_end_{};      ///< behind the last operation that used temporary memory
  cudaStream_t scratch_stream_ = nullptr;
  std::uint64_t scratch_user_ = 0;
};

}  // namespace mics::nccl
