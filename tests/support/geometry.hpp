#pragma once

namespace mics::test {

/// A pretended cluster on this machine.
struct geometry {
  int nodes, node_size;
  [[nodiscard]] int ranks() const noexcept { return nodes * node_size; }
};

}  // namespace mics::test
