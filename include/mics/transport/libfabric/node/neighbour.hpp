#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <mics/error.hpp>
#include <mics/transport/libfabric/node/channel.hpp>
#include <mics/transport/libfabric/node/region.hpp>

namespace mics::libfabric {

/// The regions of one neighbour that this rank has mapped, at their first use. Those that their owner has given up go
/// when another one comes.
class neighbour {
 public:
  explicit neighbour(process_name who) : who_(who) {}

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
  std::vector<mapped_region> known_{};
  std::size_t last_ = 0;
};

}  // namespace mics::libfabric
