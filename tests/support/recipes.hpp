#pragma once

#include <memory>
#include <string>
#include <vector>

#include <mics/plan/compile.hpp>
#include <mics/shape.hpp>

namespace mics::test {

/// The group of `nodes` x `node_size` ranks, as one of them sees it.
inline group_shape shape_of(int rank, int nodes, int node_size) {
  return {rank, nodes * node_size, nodes, node_size, {}};
}

/// A collective in a group: which recipe, how the ranks lie, and the program of each rank.
struct rehearsed {
  mics::recipe recipe;
  int nodes = 1;
  int node_size = 1;
  std::vector<schedule::program> programs{};

  rehearsed(const mics::recipe& r, int n, int k) : recipe(r), nodes(n), node_size(k) {
    for (int rank = 0; rank < size(); ++rank) programs.push_back(mics::compile(r, shape_of(rank, n, k)));
  }

  [[nodiscard]] int size() const noexcept { return nodes * node_size; }
  [[nodiscard]] std::string describe() const {
    std::string text = std::string(name_of(recipe.what)) + " " + std::string(name_of(recipe.how));
    if (recipe.how == algorithm::hierarchical || recipe.how == algorithm::leader)
      text += " with rail " + std::string(name_of(recipe.on_rail));
    if (recipe.what == operation::broadcast) text += " from " + std::to_string(recipe.root);
    return text + " on " + std::to_string(nodes) + " x " + std::to_string(node_size);
  }
};

/// Everything that the library can be asked to run among these ranks; flat algorithms only where one node holds all.
inline std::vector<mics::recipe> recipes_for(int nodes, int node_size) {
  const group_shape shape = shape_of(0, nodes, node_size);
  std::vector<mics::recipe> all;
  for (int op = 0; op < operation_count; ++op) {
    const auto what = static_cast<operation>(op);
    for (int how = 1; how <= static_cast<int>(algorithm::leader); ++how) {
      std::string why_not;
      mics::recipe r{what, static_cast<algorithm>(how), algorithm::direct, 0};
      if (!mics::supports(what, r.how, shape, why_not)) continue;
      if (nodes > 1 && r.how != algorithm::hierarchical && r.how != algorithm::leader) continue;
      if (what == operation::broadcast) {
        for (r.root = 0; r.root < shape.size; ++r.root) all.push_back(r);
        continue;
      }
      all.push_back(r);
      r.on_rail = r.how == algorithm::leader ? algorithm::exchange : algorithm::ring;
      const bool two_ways =
          r.how == algorithm::hierarchical || (r.how == algorithm::leader && what == operation::all_reduce);
      if (two_ways) all.push_back(r);
    }
  }
  return all;
}

/// Calls f(nodes, node_size) for every group of up to `most` ranks on equal nodes.
template <class F> void for_each_shape(int most, F f) {
  for (int nodes = 1; nodes <= most; ++nodes) {
    for (int node_size = 1; nodes * node_size <= most; ++node_size) f(nodes, node_size);
  }
}

}  // namespace mics::test
