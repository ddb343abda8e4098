#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

#include <mics/error.hpp>
#include <mics/transport/libfabric/rail/fabric.hpp>
#include <mics/transport/libfabric/rail/landing_pool.hpp>
#include <mics/transport/libfabric/rail/work.hpp>

namespace mics::libfabric {

/// Makes the places of large messages ready: in the caller's memory, or in the transport's own.
class landing_room {
 public:
  explicit landing_room(fabric& through) : fabric_(&through), own_(through.registers()) {}

  /// `known`: the registration of the memory around `into`, where it needs one. An empty `into`: own memory.
  void prepare(landing& place, std::span<std::byte> into, std::size_t bytes, const registration* known) {
    if (!fabric_->one_sided() && bytes > fabric_->largest_message()) {
      throw transport_error("a message of " + std::to_string(bytes) + " bytes; provider " + fabric_->provider_name() +
                            " carries at most " + std::to_string(fabric_->largest_message()) +
                            ": choose smaller chunks");
    }
    if (into.empty()) {
      place.piece = own_.take(bytes);
      place.memory = place.piece->memory.first(bytes);
      place.known = &place.piece->known;
    } else {
      place.memory = into;
      place.known = known;
    }
    place.missing = (bytes - 1) / largest_piece() + 1;
    place.prepared = true;
  }

  void clear(landing& place) {
    if (place.piece != nullptr) own_.give_back(place.piece);
    place.piece = nullptr;
    place.known = nullptr;
    place.memory = {};
    place.prepared = place.posted = false;
    place.missing = 0;
  }

  /// Larger messages are written piece by piece.
  [[nodiscard]] std::size_t largest_piece() const noexcept {
    const std::size_t allowed = fabric_->largest_message();
    return fabric_->one_sided() ? std::min(piece_bytes, allowed) : allowed;
  }

 private:
  static constexpr std::size_t piece_bytes = std::size_t{8} << 20;

  fabric* fabric_;
  landing_pool own_;
};

}  // namespace mics::libfabric
