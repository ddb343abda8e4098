#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

#include "link_bytes.hpp"
#include "settings.hpp"

namespace train_lm {

/// What --transport accepts. A new one is added here and in run_ranks, and nowhere else.
inline std::vector<std::string> transport_names() { return {"thread"}; }

namespace detail {

template <class Body> void run_threads(const settings& s, Body& body) {
  // Ranks that share few cores may compute for long before they meet again.
  mics::thread::cluster cluster(
      {.nodes = s.nodes, .node_size = s.node_size, .timeout = std::chrono::minutes(5), .checked = s.checked});
  // Barriers keep the training apart from the readings; their tokens are not part of it.
  const auto meter = [&cluster] {
    const mics::traffic traffic = cluster.traffic();
    link_bytes moved{.slow = 0, .fast = traffic.fast(), .into_node = {}};
    for (int node = 0; node < traffic.nodes(); ++node) {
      moved.into_node.push_back(traffic.into_node(node) - traffic.into_node(node, mics::operation::barrier));
      moved.slow += moved.into_node.back();
    }
    return moved;
  };
  cluster.run([&](mics::thread::communicator& world) { body(world, meter); });
}

}  // namespace detail

/// Runs `body(world, meter)` on every rank and returns when all have ended; meter() reads the bytes moved so far.
/// Throws what the first rank to fail threw.
template <class Body> void run_ranks(const settings& s, Body body) {
  if (s.transport == "thread") return detail::run_threads(s, body);
  std::string allowed;
  for (const auto& name : transport_names()) allowed += (allowed.empty() ? "" : ", ") + name;
  throw std::invalid_argument("--transport: '" + s.transport + "' is unknown; allowed: " + allowed);
}

}  // namespace train_lm
