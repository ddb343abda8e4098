#pragma once

#include <chrono>
#include <cstdint>
#include <future>

#include <mics/bootstrap.hpp>
#include <mics/transport/libfabric.hpp>

namespace mics::test {

/// What the public interface does not show of a communicator: the endpoint of its rank to other nodes.
class endpoint_of : public libfabric::communicator_ref {
 public:
  explicit endpoint_of(const libfabric::communicator_ref& world) : communicator_ref(world) {}

  /// The number by which its packets name it.
  [[nodiscard]] std::uint64_t id() const { return alive().ranks().id; }
  [[nodiscard]] libfabric::rail_endpoint& rail() const { return *alive().at().rail; }
  /// How often memory was registered that is not the transport's own.
  [[nodiscard]] std::uint64_t registrations() const {
    const libfabric::registrar& all = rail().registers();
    return all.made - all.pooled;
  }
};

/// A barrier of ranks that serve the network until what has been sent has come.
inline void meet(bootstrap::session& job, libfabric::rail_endpoint& rail) {
  using clock = std::chrono::steady_clock;
  auto all_here = std::async(std::launch::async, [&] { job.barrier(); });
  const auto quiet = std::chrono::milliseconds(200);
  for (auto last = clock::now(); clock::now() < last + quiet;) {
    const bool waits = all_here.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready;
    if (rail.progress() || waits) last = clock::now();
  }
  all_here.get();
}

}  // namespace mics::test
