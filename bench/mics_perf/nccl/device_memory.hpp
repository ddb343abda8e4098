#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <mics/transport/nccl.hpp>

#include "../options.hpp"

namespace perf {

/// A buffer on this rank's GPU, of the kind that --memory names. Made and freed by all ranks of the group together.
class device_memory {
 public:
  device_memory(const mics::nccl::communicator_ref& group, std::size_t bytes, memory_kind kind) : size_(bytes) {
    if (kind == memory_kind::registered) {
      registered_.emplace(group, bytes);
      data_ = registered_->data();
    } else {
      plain_ = mics::nccl::allocate_device(bytes);
      data_ = plain_.get();
    }
  }

  [[nodiscard]] std::span<std::byte> span(std::size_t bytes) const { return std::span(data_, size_).first(bytes); }

 private:
  std::size_t size_;
  mics::nccl::device_bytes plain_{};
  std::optional<mics::nccl::registered_memory> registered_{};
  std::byte* data_ = nullptr;
};

}  // namespace perf
