#pragma once

#include <compare>
#include <string>

#include <mics/algorithms/halving.hpp>
#include <mics/options.hpp>
#include <mics/shape.hpp>
#include <mics/types.hpp>

namespace mics {

/// All that decides which program a rank of a given group runs.
struct recipe {
  operation what = operation::all_gather;
  algorithm how = algorithm::direct;
  algorithm on_rail = algorithm::direct;  ///< hierarchical, leader: what the rail stage does
  int root = 0;                           ///< broadcast

  auto operator<=>(const recipe&) const = default;
};

/// May `how` serve this operation in a group of this shape? If not, `why_not` gets the sentence.
inline bool supports(operation what, algorithm how, const group_shape& shape, std::string& why_not) {
  using enum algorithm;
  const auto one_of = [how](auto... allowed) { return ((how == allowed) || ...); };
  bool known = false;
  switch (what) {
    case operation::all_gather:
      known = one_of(direct, ring, bruck, hierarchical, leader);
      break;
    case operation::reduce_scatter:
      known = one_of(direct, ring, halving, hierarchical, leader);
      break;
    case operation::all_reduce:
      known = one_of(direct, ring, doubling, exchange, hierarchical, leader);
      break;
    case operation::broadcast:
      known = one_of(tree, hierarchical);
      break;
    case operation::barrier:
      known = one_of(direct);
      break;
  }
  if (!known) {
    why_not = std::string(name_of(how)) + " is no algorithm of " + std::string(name_of(what));
  } else if ((how == hierarchical || how == leader) && !shape.hierarchical()) {
    why_not =
        shape.flat_reason.empty() ? "the group lies inside one node, so there is no rail stage" : shape.flat_reason;
  } else if (how == halving && !algorithms::halving_fits(shape.size)) {
    why_not = "recursive halving needs a power of two, and the group has " + std::to_string(shape.size) + " ranks";
  }
  return why_not.empty();
}

/// Could it be one step in which every rank shows every other the same? Of a reduce-scatter, its whole input; of a
/// broadcast, what its root has.
constexpr bool one_step(const recipe& r) noexcept {
  if (r.what == operation::broadcast) return r.how == algorithm::tree;
  return r.what == operation::all_reduce ? r.how == algorithm::exchange : r.how == algorithm::direct;
}

/// Does the algorithm treat the whole buffer as one block?
constexpr bool single_block(const recipe& r) noexcept {
  return r.what == operation::broadcast || r.what == operation::barrier || r.how == algorithm::exchange ||
         r.how == algorithm::doubling;
}

}  // namespace mics
