#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/native/device.hpp>

namespace mics::nccl {

/// Counts what NCCL takes on the devices of groups between its making and count(), as far as it is seen to go.
class native_bytes_counter {
 public:
  explicit native_bytes_counter(std::vector<member*> groups) : groups_(std::move(groups)) {
    for (const member* const group : groups_) before_.push_back(free_bytes(group->device()));
  }
  void count() const {
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      groups_[i]->count_native(before_[i], free_bytes(groups_[i]->device()));
    }
  }

 private:
  std::vector<member*> groups_;
  std::vector<std::size_t> before_{};
};

}  // namespace mics::nccl
