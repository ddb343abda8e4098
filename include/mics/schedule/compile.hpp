#pragma once

#include <compare>
#include <string>

#include <mics/algorithms/all_reduce_small.hpp>
#include <mics/algorithms/bruck.hpp>
#include <mics/algorithms/direct.hpp>
#include <mics/algorithms/dissemination.hpp>
#include <mics/algorithms/halving.hpp>
#include <mics/algorithms/ring.hpp>
#include <mics/algorithms/tree.hpp>
#include <mics/error.hpp>
#include <mics/hierarchical/all_reduce.hpp>
#include <mics/hierarchical/broadcast.hpp>
#include <mics/types.hpp>

namespace mics::schedule {

/// All that decides which program a rank of a given group runs.
struct recipe {
  operation what = operation::all_gather;
  algorithm how = algorithm::direct;
  algorithm on_rail = algorithm::direct;  ///< hierarchical: what the rail stage does
  int root = 0;                           ///< broadcast

  auto operator<=>(const recipe&) const = default;
};

inline void compile_all_gather(builder& b, const recipe& r, const group_shape& shape) {
  const algorithms::team all = algorithms::everyone(shape.rank, shape.size);
  const place own = input(shape.rank);
  b.copy(own, output(shape.rank), lane::rail, 0);
  switch (r.how) {
    case algorithm::direct:
      return algorithms::direct_all_gather(b, all, own);
    case algorithm::ring:
      return algorithms::ring_all_gather(b, all, own);
    case algorithm::bruck:
      return algorithms::bruck_all_gather(b, all);
    default:
      return hierarchical::all_gather(b, {shape}, own, r.on_rail);
  }
}

inline void compile_reduce_scatter(builder& b, const recipe& r, const group_shape& shape) {
  const algorithms::team all = algorithms::everyone(shape.rank, shape.size);
  const place own = output(shape.rank);
  switch (r.how) {
    case algorithm::direct:
      return algorithms::direct_reduce_scatter(b, all, {}, own, true);
    case algorithm::halving:
      return algorithms::halving_reduce_scatter(b, all, own, true);
    case algorithm::ring: {
      // Two slots would do if sums could be overwritten once read; one a step keeps neighbours from waiting.
      const auto travelling = [&](int member) { return scratch(b.reserve(1), member); };
      return algorithms::ring_reduce_scatter(b, all, {}, own, travelling, true);
    }
    default:
      return hierarchical::reduce_scatter(b, {shape}, own, r.on_rail);
  }
}

inline void compile_all_reduce(builder& b, const recipe& r, const group_shape& shape) {
  algorithms::team all = algorithms::everyone(shape.rank, shape.size);
  const place own = output(shape.rank);
  const auto second_half = [&all] {
    all.first_round = static_cast<std::uint32_t>(all.size());
    return all;
  };
  switch (r.how) {
    case algorithm::exchange:
      return algorithms::exchange_all_reduce(b, all);
    case algorithm::doubling:
      return algorithms::doubling_all_reduce(b, all);
    case algorithm::direct:
      algorithms::direct_reduce_scatter(b, all, {}, own, true);
      return algorithms::direct_all_gather(b, second_half(), own);
    case algorithm::ring:
      algorithms::ring_reduce_scatter(
          b, all, {}, own, [](int member) { return output(member); }, true);
      return algorithms::ring_all_gather(b, second_half(), own);
    default:
      return hierarchical::all_reduce(b, {shape}, r.on_rail);
  }
}

/// May `how` serve this operation in a group of this shape? If not, `why_not` gets the sentence.
inline bool supports(operation what, algorithm how, const group_shape& shape, std::string& why_not) {
  using enum algorithm;
  const auto one_of = [how](auto... allowed) { return ((how == allowed) || ...); };
  bool known = false;
  switch (what) {
    case operation::all_gather:
      known = one_of(direct, ring, bruck, hierarchical);
      break;
    case operation::reduce_scatter:
      known = one_of(direct, ring, halving, hierarchical);
      break;
    case operation::all_reduce:
      known = one_of(direct, ring, doubling, exchange, hierarchical);
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
  } else if (how == hierarchical && !shape.hierarchical()) {
    why_not =
        shape.flat_reason.empty() ? "the group lies inside one node, so there is no rail stage" : shape.flat_reason;
  } else if (how == halving && !algorithms::halving_fits(shape.size)) {
    why_not = "recursive halving needs a power of two, and the group has " + std::to_string(shape.size) + " ranks";
  }
  return why_not.empty();
}

/// Does the algorithm treat the whole buffer as one block?
constexpr bool single_block(const recipe& r) noexcept {
  return r.what == operation::broadcast || r.what == operation::barrier || r.how == algorithm::exchange ||
         r.how == algorithm::doubling;
}

/// The program of rank `shape.rank`. The recipe must be supported.
inline program compile(const recipe& r, const group_shape& shape) {
  builder b(shape.rank);
  switch (r.what) {
    case operation::all_gather:
      compile_all_gather(b, r, shape);
      break;
    case operation::reduce_scatter:
      compile_reduce_scatter(b, r, shape);
      break;
    case operation::all_reduce:
      compile_all_reduce(b, r, shape);
      break;
    case operation::broadcast:
      if (r.how == algorithm::hierarchical) {
        hierarchical::broadcast(b, {shape}, r.root);
      } else {
        algorithms::tree_broadcast(b, algorithms::everyone(shape.rank, shape.size), r.root);
      }
      break;
    case operation::barrier:
      algorithms::dissemination_barrier(b, algorithms::everyone(shape.rank, shape.size));
      break;
  }
  return std::move(b).take();
}

}  // namespace mics::schedule
