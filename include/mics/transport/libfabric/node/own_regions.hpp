#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include <mics/transport/libfabric/node/region.hpp>
#include <mics/transport/libfabric/rail/registration.hpp>

namespace mics::libfabric {

/// Shared memory of this process that messages may lie in.
struct shared_range {
  const std::byte* begin = nullptr;
  std::size_t bytes = 0;
  region_name region{};
  const registration* known_to_rail = nullptr;  ///< null: no peers beyond the node

  [[nodiscard]] bool holds(std::span<const std::byte> message) const noexcept {
    return message.data() >= begin && message.data() + message.size() <= begin + bytes;
  }
};

/// All of them. Ports look into copies of their own, which they renew between launches: no lock on the way of a
/// message.
class own_regions {
 public:
  void add(const shared_range& range) {
    const std::lock_guard lock(mutex_);
    ranges_.push_back(range);
    version_.fetch_add(1, std::memory_order_release);
  }

  void remove(const region_name& region) {
    const std::lock_guard lock(mutex_);
    std::erase_if(ranges_, [&](const shared_range& r) { return r.region.serial == region.serial; });
    version_.fetch_add(1, std::memory_order_release);
  }

  /// A port's copy.
  class view {
   public:
    explicit view(own_regions& all) : all_(&all) {}

    void renew() {
      if (version_ == all_->version_.load(std::memory_order_acquire)) return;
      const std::lock_guard lock(all_->mutex_);
      version_ = all_->version_.load(std::memory_order_relaxed);
      ranges_ = all_->ranges_;
    }

    [[nodiscard]] const shared_range* find(std::span<const std::byte> message) const noexcept {
      for (const shared_range& r : ranges_) {
        if (r.holds(message)) return &r;
      }
      return nullptr;
    }

   private:
    own_regions* all_;
    std::uint64_t version_ = 0;
    std::vector<shared_range> ranges_{};
  };

 private:
  std::mutex mutex_{};
  std::atomic<std::uint64_t> version_{1};
  std::vector<shared_range> ranges_{};
};

}  // namespace mics::libfabric
