#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <mics/mics.hpp>
#include <mics/transport/thread.hpp>

#include "host_rank.hpp"
#include "link_bytes.hpp"
#include "settings.hpp"

namespace train_lm {

/// What --transport accepts.
inline std::vector<std::string> transport_names() { return {"thread", "nccl", "libfabric"}; }

/// What a training run needs of a rank, here one that is a thread; libfabric/fabric_rank.hpp and gpu/nccl_rank.hpp have
/// others.
class thread_rank : public host_rank<mics::thread::communicator> {
 public:
  static constexpr bool counts_bytes = true;

  thread_rank(mics::thread::cluster& cluster, mics::thread::communicator& world)
      : host_rank(world), cluster_(cluster) {}

  /// By all ranks so far. Barriers keep the training apart from the readings; their tokens are not part of it.
  [[nodiscard]] link_bytes moved() const {
    const mics::traffic traffic = cluster_.traffic();
    link_bytes moved{.slow = 0, .fast = traffic.fast(), .into_node = {}};
    for (int node = 0; node < traffic.nodes(); ++node) {
      moved.into_node.push_back(traffic.into_node(node) - traffic.into_node(node, mics::operation::barrier));
      moved.slow += moved.into_node.back();
    }
    return moved;
  }

 private:
  mics::thread::cluster& cluster_;
};

/// Runs `body(thread_rank&)` on every rank and returns when all have ended. Throws what the first rank to fail threw.
template <class Body> void run_threads(const settings& s, Body body) {
  if (s.transport != "thread") {
    throw std::invalid_argument("--transport: '" + s.transport + "' has no threads for ranks; allowed here: thread");
  }
  // Ranks that share few cores may compute for long before they meet again.
  mics::thread::cluster cluster(
      {.nodes = s.nodes, .node_size = s.node_size, .timeout = std::chrono::minutes(5), .checked = s.checked});
  cluster.run([&](mics::thread::communicator& world) {
    thread_rank here(cluster, world);
    body(here);
  });
}

}  // namespace train_lm
