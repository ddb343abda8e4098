#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <mics/error.hpp>
#include <mics/transport/libfabric/node/channel.hpp>
#include <mics/transport/libfabric/node/doorbell.hpp>
#include <mics/transport/libfabric/node/region.hpp>

namespace mics::libfabric {

/// One neighbour: the bell that wakes it, and the regions of it that this rank has mapped, at their first use. Those
/// that their owner has given up go when another one comes.
class neighbour {
 public:
  explicit neighbour(process_name who) : who_(who) {}

  /// Its bell; null: it does not sleep.
  void sleeps_at(doorbell* bell) noexcept { bell_ = bell; }
  /// Something was written for it, or read.
  void has_news() noexcept { news_ = true; }
  /// Once for all news.
  void ring() noexcept {
    if (news_ && bell_ != nullptr) bell_->ring();
    news_ = false;
  }

  /// Where a lent message lies here.
  [[nodiscard]] const std::byte* resolve(const node_channel::content& m) {
    const mapped_region& r = find(m.region);
    if (m.offset > r.bytes() || m.bytes > r.bytes() - m.offset) {
      throw transport_error("a neighbour's message lies beyond its memory");
    }
    return r.data() + m.offset;
  }

 private:
  const mapped_region& find(const region_name& name) {
    if (last_ < known_.size() && known_[last_].serial() == name.serial) return known_[last_];
    for (last_ = 0; last_ < known_.size(); ++last_) {
      if (known_[last_].serial() == name.serial) return known_[last_];
    }
    std::erase_if(known_, [](const mapped_region& r) { return !r.alive(); });
    last_ = known_.size();
    return known_.emplace_back(who_, name);
  }

  process_name who_;
  doorbell* bell_ = nullptr;
  bool news_ = false;
  std::vector<mapped_region> known_{};
  std::size_t last_ = 0;
};

}  // namespace mics::libfabric
