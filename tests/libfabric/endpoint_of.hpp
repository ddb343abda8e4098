#pragma once

#include <cstdint>

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

}  // namespace mics::test
