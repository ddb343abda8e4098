#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <mics/transport/thread.hpp>
#include <mics/types.hpp>

#include "options.hpp"
#include "thread_station.hpp"

namespace perf {

/// Ranks as threads of this process; nodes are pretended, their traffic is counted exactly.
class thread_launcher {
 public:
  static constexpr bool shared_clock = true;
  static constexpr bool shared_memory = true;

  explicit thread_launcher(const options& chosen)
      : chosen_(chosen),
        cluster_({.nodes = chosen.nodes, .node_size = chosen.node_size, .timeout = chosen.timeout, .checked = false}) {}

  [[nodiscard]] std::string name() const { return "thread"; }

  template <class F> void run(F&& f) {
    cluster_.run([&](auto& world) {
      thread_station rank(world, chosen_);
      f(rank);
    });
  }

  void reset_traffic() { cluster_.reset_traffic(); }

  [[nodiscard]] std::optional<std::uint64_t> into_busiest_node(mics::operation op) {
    const auto traffic = cluster_.traffic();
    std::uint64_t most = 0;
    for (int node = 0; node < traffic.nodes(); ++node) most = std::max(most, traffic.into_node(node, op));
    return most;
  }

 private:
  const options& chosen_;
  mics::thread::cluster cluster_;
};

}  // namespace perf
