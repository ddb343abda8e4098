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

/// The last operations of one communicator, each with a mark behind it: who waits in vain can say for which.
class journal {
 public:
  struct entry {
    operation what{};
    std::uint64_t sequence = 0;  ///< from 1
    event end{};
  };

  explicit journal(int device) : device_(device) {}

  /// The number of the operation that comes next.
  [[nodiscard]] std::uint64_t next() const noexcept { return written_ + 1; }

  /// The stream of the last operation, and the mark behind it.
  [[nodiscard]] cudaStream_t last_stream() const noexcept { return last_stream_; }
  [[nodiscard]] const event& last_end() const noexcept { return at(written_).end; }

  /// Notes an operation that has just been enqueued; one that was captured has no end of its own.
  void add(operation what, cudaStream_t stream, bool captured) {
    entry& e = at(++written_);
    e.what = what;
    e.sequence = written_;
    if (captured) return;
    if (!made_[written_ % kept]) {
      const device_scope current(device_);
      e.end = event::make();
      made_[written_ % kept] = true;
    }
    e.end.record(stream);
    last_stream_ = stream;
  }

  /// The oldest operation among those kept that has not ended.
  [[nodiscard]] std::optional<entry> first_pending() const {
    for (std::uint64_t s = written_ < kept ? 1 : written_ - kept + 1; s <= written_; ++s) {
      if (!at(s).end.passed()) return at(s);
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kept = 64;

  [[nodiscard]] const entry& at(std::uint64_t sequence) const noexcept { return entries_[sequence % kept]; }
  [[nodiscard]] entry& at(std::uint64_t sequence) noexcept { return entries_[sequence % kept]; }

  int device_;
  std::array<entry, kept> entries_{};
  std::array<bool, kept> made_{};
  std::uint64_t written_ = 0;
  cudaStream_t last_stream_ = nullptr;
};

}  // namespace mics::nccl
