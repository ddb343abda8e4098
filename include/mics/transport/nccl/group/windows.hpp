#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mics::nccl {

/// The registered memory of one group: which addresses every rank of a node can reach directly.
class windows {
 public:
  void add(const void* memory, std::size_t bytes) { ranges_.push_back({static_cast<const std::byte*>(memory), bytes}); }
  void remove(const void* memory) {
    std::erase_if(ranges_, [memory](const range& r) { return r.first == memory; });
  }

  /// Does all of [memory, memory + bytes) lie in one of them?
  [[nodiscard]] bool cover(const void* memory, std::size_t bytes) const noexcept {
    const auto* const first = static_cast<const std::byte*>(memory);
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [=](const range& r) { return first >= r.first && first + bytes <= r.first + r.bytes; });
  }

 private:
  struct range {
    const std::byte* first;
    std::size_t bytes;
  };
  std::vector<range> ranges_{};
};

}  // namespace mics::nccl
