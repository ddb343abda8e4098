#pragma once

#include <chrono>

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

/// What a training run needs of a rank that is a process on a host.
class fabric_rank : public host_rank<mics::libfabric::communicator> {
 public:
  static constexpr bool counts_bytes = false;
  using host_rank::host_rank;

  [[nodiscard]] link_bytes moved() const { return {}; }
};

}  // namespace train_lm
