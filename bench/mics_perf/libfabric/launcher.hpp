#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <mics/bootstrap/session.hpp>
#include <mics/transport/libfabric.hpp>
#include <mics/types.hpp>

#include "link_counter.hpp"
#include "station.hpp"

namespace perf {

/// One rank of a job; the other ranks are other processes.
class fabric_launcher {
 public:
  static constexpr bool shared_clock = false;
  static constexpr bool shared_memory = false;

  fabric_launcher(mics::bootstrap::session& job, const options& chosen)
      : world_(mics::libfabric::make_world(job, {.timeout = chosen.timeout, .checked = false})),
        station_(world_, chosen),
        link_(chosen.link) {}

  [[nodiscard]] std::string name() const { return "libfabric"; }
  [[nodiscard]] std::string provider() const { return world_.provider(); }
  template <class F> void run(F&& f) { f(station_); }

  /// Bytes with their headers, by the counters of the node's link.
  void reset_traffic() { before_ = link_.received(); }
  [[nodiscard]] std::optional<std::uint64_t> into_busiest_node(mics::operation) {
    const auto now = link_.received();
    return now ? std::optional(*now - before_.value_or(0)) : std::nullopt;
  }

 private:
  mics::libfabric::communicator world_;
  fabric_station station_;
  link_counter link_;
  std::optional<std::uint64_t> before_{};
};

}  // namespace perf
