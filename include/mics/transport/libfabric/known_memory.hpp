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

/// Memory of this process that messages may lie in, and that others have been told of before.
struct known_range {
  const std::byte* begin = nullptr;
  std::size_t bytes = 0;
  region_name region{};                         ///< by which neighbours read it; none: they do not
  const registration* known_to_rail = nullptr;  ///< null: the network does not know it
  memory_use use = memory_use::written;         ///< what the network may do with it

  [[nodiscard]] bool holds(std::span<const std::byte> message) const noexcept {
    return message.data() >= begin && message.data() + message.size() <= begin + bytes;
  }
};

/// All of them. Ports look into copies of their own, which they renew between launches: no lock on the way of a
/// message.
class known_memory {
 public:
  /// Returns the number by which it is removed.
  std::uint64_t add(const known_range& range) {
    const std::lock_guard lock(mutex_);
    entries_.push_back({++last_, range});
    version_.fetch_add(1, std::memory_order_release);
    return last_;
  }

  void remove(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const entry& e) { return e.number == number; });
    version_.fetch_add(1, std::memory_order_release);
  }

 private:
  struct entry {
    std::uint64_t number;
    known_range range;
  };

 public:
  /// A port's copy.
  class view {
   public:
    explicit view(known_memory& all) : all_(&all) {}

    void renew() {
      if (version_ == all_->version_.load(std::memory_order_acquire)) return;
      const std::lock_guard lock(all_->mutex_);
      version_ = all_->version_.load(std::memory_order_relaxed);
      entries_ = all_->entries_;
    }

    /// The range around a message that neighbours read where it lies; null where they cannot.
    [[nodiscard]] const known_range* shared(std::span<const std::byte> message) const noexcept {
      for (const entry& e : entries_) {
        if (e.range.region.serial != 0 && e.range.holds(message)) return &e.range;
      }
      return nullptr;
    }

    /// The registration of the memory around a message; null where there is none.
    [[nodiscard]] const registration* registered(std::span<const std::byte> message, memory_use use) const noexcept {
      for (const entry& e : entries_) {
        const bool serves = e.range.use == memory_use::written || e.range.use == use;
        if (e.range.known_to_rail != nullptr && serves && e.range.holds(message)) return e.range.known_to_rail;
      }
      return nullptr;
    }

   private:
    known_memory* all_;
    std::uint64_t version_ = 0;
    std::vector<entry> entries_{};
  };

 private:
  std::mutex mutex_{};
  std::atomic<std::uint64_t> version_{1};
  std::uint64_t last_ = 0;
  std::vector<entry> entries_{};
};

}  // namespace mics::libfabric
