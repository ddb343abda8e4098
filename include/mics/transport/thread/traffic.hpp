#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <mics/types.hpp>

namespace mics {

/// Payload bytes that moved since the last reset, counted message by message: those that crossed the borders of nodes
/// (slow) by node and operation, and all others (fast).
class traffic {
 public:
  using by_operation = std::array<std::uint64_t, operation_count>;

  struct node_bytes {
    by_operation in{};
    by_operation out{};
  };

  traffic(std::vector<node_bytes> nodes, std::uint64_t fast, std::uint64_t control)
      : nodes_(std::move(nodes)), fast_(fast), control_(control) {}

  [[nodiscard]] int nodes() const noexcept { return static_cast<int>(nodes_.size()); }
  [[nodiscard]] std::uint64_t into_node(int node) const { return sum(at(node).in); }
  [[nodiscard]] std::uint64_t into_node(int node, operation what) const {
    return at(node).in[static_cast<std::size_t>(what)];
  }
  [[nodiscard]] std::uint64_t out_of_node(int node) const { return sum(at(node).out); }
  [[nodiscard]] std::uint64_t out_of_node(int node, operation what) const {
    return at(node).out[static_cast<std::size_t>(what)];
  }

  /// Into the node that receives most.
  [[nodiscard]] std::uint64_t busiest_in() const {
    std::uint64_t most = 0;
    for (int node = 0; node < nodes(); ++node) most = std::max(most, into_node(node));
    return most;
  }

  /// Bytes that crossed from one node to another, all nodes together.
  [[nodiscard]] std::uint64_t slow() const {
    std::uint64_t all = 0;
    for (int node = 0; node < nodes(); ++node) all += into_node(node);
    return all;
  }

  /// Bytes that moved between ranks of the same node, all nodes together.
  [[nodiscard]] std::uint64_t fast() const noexcept { return fast_; }

  /// What the library exchanged for itself, in no other figure: splits, and the comparison of calls in checked mode.
  [[nodiscard]] std::uint64_t control() const noexcept { return control_; }

 private:
  [[nodiscard]] const node_bytes& at(int node) const { return nodes_.at(static_cast<std::size_t>(node)); }
  static std::uint64_t sum(const by_operation& bytes) {
    std::uint64_t all = 0;
    for (const std::uint64_t b : bytes) all += b;
    return all;
  }

  std::vector<node_bytes> nodes_;
  std::uint64_t fast_;
  std::uint64_t control_;
};

}  // namespace mics
