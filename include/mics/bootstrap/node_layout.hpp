#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <mics/error.hpp>

namespace mics::bootstrap {

/// Which rank lies on which node. Nodes are numbered in the order of their first ranks.
class node_layout {
 public:
  /// The node of each rank: numbers that begin with 0, each new one the next.
  explicit node_layout(std::vector<int> node_of) : node_of_(std::move(node_of)), local_rank_(node_of_.size()) {
    for (std::size_t rank = 0; rank < node_of_.size(); ++rank) {
      const auto node = static_cast<std::size_t>(node_of_[rank]);
      if (node_of_[rank] < 0 || node > sizes_.size()) {
        throw topology_error("rank " + std::to_string(rank) + " lies on node " + std::to_string(node_of_[rank]) +
                             "; allowed: 0 to " + std::to_string(sizes_.size()) +
                             ", as nodes are numbered in the order of their first ranks");
      }
      if (node == sizes_.size()) sizes_.push_back(0);
      local_rank_[rank] = sizes_[node]++;
    }
  }

  /// Ranks of the same identity share a node.
  [[nodiscard]] static node_layout of(const std::vector<std::string>& identities) {
    std::map<std::string, int> numbers;
    std::vector<int> node_of;
    for (const std::string& identity : identities) {
      node_of.push_back(numbers.emplace(identity, static_cast<int>(numbers.size())).first->second);
    }
    return node_layout(std::move(node_of));
  }

  [[nodiscard]] int nodes() const noexcept { return static_cast<int>(sizes_.size()); }
  [[nodiscard]] const std::vector<int>& node_of() const noexcept { return node_of_; }
  [[nodiscard]] int local_rank(int rank) const { return local_rank_.at(static_cast<std::size_t>(rank)); }
  [[nodiscard]] int local_size(int rank) const {
    return sizes_[static_cast<std::size_t>(node_of_.at(static_cast<std::size_t>(rank)))];
  }

  /// How many ranks each node has, for mics::topology. Throws topology_error when the ranks of a node are not
  /// consecutive: then these numbers would not say who lies where.
  [[nodiscard]] const std::vector<int>& ranks_per_node() const {
    for (std::size_t rank = 1; rank < node_of_.size(); ++rank) {
      if (node_of_[rank] >= node_of_[rank - 1]) continue;
      throw topology_error("rank " + std::to_string(rank) + " lies on node " + std::to_string(node_of_[rank]) +
                           ", but rank " + std::to_string(rank - 1) + " on node " + std::to_string(node_of_[rank - 1]) +
                           "; allowed: consecutive ranks on each node (srun --distribution=block, mpirun --map-by "
                           "slot)");
    }
    return sizes_;
  }

 private:
  std::vector<int> node_of_;
  std::vector<int> local_rank_;
  std::vector<int> sizes_{};
};

}  // namespace mics::bootstrap
