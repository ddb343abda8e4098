#pragma once

#include <cstddef>
#include <memory>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl/communicator.hpp>
#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/group/scratch.hpp>

namespace mics::nccl {

/// Frees device memory that a group's operations use, which waits for them: not if the group has failed, and while an
/// exception is on its way no longer than to the group's deadline.
struct free_behind_group {
  std::weak_ptr<member> group{};

  void operator()(std::byte* memory) const noexcept {
    const std::shared_ptr<member> its = group.lock();
    if (its) its->end_if_failed();
    if (!its || !its->stuck()) cudaFree(memory);
  }
};
using group_memory = std::unique_ptr<std::byte[], free_behind_group>;

/// Device memory on the current device, for operations of `group`.
inline group_memory allocate_for(const communicator_ref& group, std::size_t bytes) {
  struct handle : communicator_ref {
    explicit handle(const communicator_ref& of) : communicator_ref(of) {}
    using communicator_ref::state;
  };
  return group_memory(allocate_device(bytes).release(), {handle(group).state()});
}

}  // namespace mics::nccl
