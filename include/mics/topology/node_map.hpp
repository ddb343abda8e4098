#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <mics/topology/rank_range.hpp>
#include <mics/topology/refuse.hpp>

namespace mics::detail {

/// Consecutive nodes of one size. Only the very last node of the world may hold fewer ranks than its run says.
struct node_run {
  rank_t first_rank = 0;
  int first_node = 0;
  int node_size = 1;
  friend constexpr bool operator==(const node_run&, const node_run&) noexcept = default;
};

/// Which rank lies on which node, stored as the fewest runs of equal nodes.
/// Uniform nodes are one run and no heap memory, so a query is O(1) for any number of ranks; else O(log runs).
/// The runs are canonical: two maps are equal exactly when every rank lies on the same node.
class node_map {
 public:
  /// Precondition: both at least 1.
  constexpr node_map(int ranks, int node_size) noexcept
      : first_{0, 0, node_size < ranks ? node_size : ranks},
        ranks_(ranks),
        nodes_((ranks - 1) / first_.node_size + 1) {}

  constexpr explicit node_map(const std::vector<int>& ranks_per_node) {
    if (ranks_per_node.empty()) refuse_empty_list();
    std::int64_t ranks = 0;
    for (std::size_t node = 0; node < ranks_per_node.size(); ++node) {
      const int size = ranks_per_node[node];
      if (size < 1) refuse_listed_node(node, size);
      if (ranks + size > most_ranks) refuse_sum(node, ranks + size);
      append(size, node + 1 == ranks_per_node.size());
      ranks += size;
    }
  }

  [[nodiscard]] constexpr int ranks() const noexcept { return ranks_; }
  [[nodiscard]] constexpr int nodes() const noexcept { return nodes_; }

  /// k when every node has k ranks, else 0.
  [[nodiscard]] constexpr int node_size() const noexcept {
    return more_.empty() && ranks_ % first_.node_size == 0 ? first_.node_size : 0;
  }

  /// Whether all nodes are one run: all of one size, but for a shorter last one.
  [[nodiscard]] constexpr bool one_run() const noexcept { return more_.empty(); }

  [[nodiscard]] constexpr int node_of(rank_t rank) const noexcept {
    const node_run& run = find(&node_run::first_rank, rank);
    return run.first_node + (rank - run.first_rank) / run.node_size;
  }

  /// The run that holds `node`.
  [[nodiscard]] constexpr const node_run& run_of(int node) const noexcept { return find(&node_run::first_node, node); }

  [[nodiscard]] constexpr rank_range ranks_of(int node) const noexcept {
    const node_run& run = run_of(node);
    const rank_t first = run.first_rank + (node - run.first_node) * run.node_size;
    return {first, run.node_size < ranks_ - first ? run.node_size : ranks_ - first, 1};
  }

  /// First node behind the run that holds `node`; nodes() when there is none.
  [[nodiscard]] constexpr int run_end(int node) const noexcept {
    const std::size_t next = runs_until(&node_run::first_node, node);
    return next == more_.size() ? nodes_ : more_[next].first_node;
  }

  /// Equal for equal maps (FNV-1a over the runs).
  [[nodiscard]] constexpr std::uint64_t fingerprint() const noexcept {
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto mix = [&hash](int value) {
      for (int byte = 0; byte < 4; ++byte) {
        hash = (hash ^ (static_cast<std::uint32_t>(value) >> (8 * byte) & 0xffU)) * 0x100000001b3U;
      }
    };
    const auto mix_run = [&mix](const node_run& run) {
      mix(run.first_rank);
      mix(run.first_node);
      mix(run.node_size);
    };
    mix(ranks_);
    mix_run(first_);
    for (const node_run& run : more_) mix_run(run);
    return hash;
  }

  /// "4 nodes of 4 ranks", "3 nodes (2 of 4 ranks, 1 of 2)"; many runs are cut short.
  [[nodiscard]] std::string describe() const;

  friend constexpr bool operator==(const node_map&, const node_map&) noexcept = default;

 private:
  constexpr void append(int size, bool last) {
    const node_run& tail = more_.empty() ? first_ : more_.back();
    const bool joins = nodes_ > 0 && (size == tail.node_size || (last && size < tail.node_size));
    if (nodes_ == 0) {
      first_.node_size = size;
    } else if (!joins) {
      more_.push_back({ranks_, nodes_, size});
    }
    ranks_ += size;
    ++nodes_;
  }

  [[nodiscard]] constexpr const node_run& find(int node_run::*key, int value) const noexcept {
    const std::size_t found = runs_until(key, value);
    return found == 0 ? first_ : more_[found - 1];
  }

  /// How many runs behind the first start at or before `value`.
  [[nodiscard]] constexpr std::size_t runs_until(int node_run::*key, int value) const noexcept {
    std::size_t low = 0;
    std::size_t high = more_.size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (more_[middle].*key <= value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  node_run first_{};
  std::vector<node_run> more_{};
  int ranks_ = 0;
  int nodes_ = 0;
};

inline std::string node_map::describe() const {
  const std::string count = std::to_string(nodes_) + (nodes_ == 1 ? " node" : " nodes");
  if (node_size() > 0) return count + " of " + std::to_string(node_size()) + (node_size() == 1 ? " rank" : " ranks");
  constexpr int listed = 6;
  std::string text = count + " (";
  int parts = 0;
  for (int node = 0; node < nodes_; ++parts) {
    const int size = ranks_of(node).size;
    int end = run_end(node);
    if (end == nodes_ && node != nodes_ - 1 && ranks_of(nodes_ - 1).size != size) --end;
    if (parts > 0) text += ", ";
    if (parts == listed) return text + "...)";
    text += std::to_string(end - node) + " of " + std::to_string(size);
    node = end;
  }
  return text + " ranks)";
}

}  // namespace mics::detail
