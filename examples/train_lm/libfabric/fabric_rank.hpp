#pragma once

#include <chrono>
#include <cstddef>

#include <mics/bootstrap/session.hpp>
#include <mics/transport/libfabric.hpp>

#include "../host_rank.hpp"
#include "../link_bytes.hpp"
#include "../settings.hpp"

namespace train_lm {

/// The world of a job whose ranks have met.
inline mics::libfabric::communicator fabric_world(mics::bootstrap::session& job, const settings& s) {
  // Ranks that share few cores may compute for long before they meet again. (One that dies is noticed at once.)
  return mics::libfabric::make_world(job, {.timeout = std::chrono::minutes(5), .checked = s.checked});
}

/// Floats that the ranks of a node read where they lie, with the looks of a vector.
class shared_floats {
 public:
  shared_floats(const mics::libfabric::communicator& world, std::size_t elements)
      : memory_(mics::libfabric::allocate<float>(world, elements)) {}

  [[nodiscard]] std::size_t size() const { return memory_.as<float>().size(); }
  [[nodiscard]] float* data() const { return memory_.as<float>().data(); }
  [[nodiscard]] float* begin() const { return data(); }
  [[nodiscard]] float* end() const { return data() + size(); }

 private:
  mics::libfabric::shared_memory memory_;
};

/// What a training run needs of a rank that is a process on a host.
class fabric_rank : public host_rank<mics::libfabric::communicator> {
 public:
  static constexpr bool counts_bytes = false;
  using room = shared_floats;
  using host_rank::host_rank;

  [[nodiscard]] room make_room(std::size_t elements) const { return {world(), elements}; }
  [[nodiscard]] link_bytes moved() const { return {}; }
};

}  // namespace train_lm
