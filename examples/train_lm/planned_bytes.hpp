#pragma once

#include <cstdint>
#include <vector>

#include <mics/mics.hpp>

#include "link_bytes.hpp"
#include "settings.hpp"
#include "step_calls.hpp"

namespace train_lm {

/// Adds up what plans say that they bring into one node, for all nodes: these are alike.
class planned_bytes {
 public:
  explicit planned_bytes(const settings& s) : nodes_(s.nodes), node_size_(s.node_size) {}

  /// `plan` is that of the call in one group. It counts its own group, but others share the node.
  void add(const step_call& call, const mics::plan& plan) {
    if (!call.shape.flat_reason.empty()) known_ = false;
    if (!known_) return;
    const mics::node_volume volume = plan.volume_into_node();
    const auto everywhere = static_cast<std::uint64_t>(call.times * (node_size_ / call.shape.node_size));
    slow_ += everywhere * volume.slow;
    fast_ += everywhere * volume.fast;
  }

  /// Nothing at all when one plan did not know how its group lies on nodes.
  [[nodiscard]] link_bytes step() const {
    if (!known_) return {};
    const auto nodes = static_cast<std::uint64_t>(nodes_);
    return {nodes * slow_, nodes * fast_, std::vector<std::uint64_t>(nodes, slow_)};
  }

 private:
  int nodes_, node_size_;
  std::uint64_t slow_ = 0, fast_ = 0;
  bool known_ = true;
};

}  // namespace train_lm
