#pragma once

#include <cstdint>
#include <utility>

#include <mics/algorithms/all_reduce_small.hpp>
#include <mics/algorithms/dissemination.hpp>
#include <mics/algorithms/flat.hpp>
#include <mics/algorithms/tree.hpp>
#include <mics/hierarchical/all_reduce.hpp>
#include <mics/hierarchical/broadcast.hpp>
#include <mics/hierarchical/leader.hpp>
#include <mics/schedule/recipe.hpp>
#include <mics/shape.hpp>

namespace mics::schedule {

inline void compile_all_gather(builder& b, const recipe& r, const group_shape& shape) {
  const place own = input(shape.rank);
  b.copy(own, output(shape.rank), lane::rail, 0);
  if (r.how == algorithm::hierarchical) return hierarchical::all_gather(b, {shape}, own, r.on_rail);
  if (r.how == algorithm::leader) return hierarchical::leader::all_gather(b, {shape}, own);
  algorithms::all_gather(b, algorithms::everyone(shape.rank, shape.size), own, r.how);
}

inline void compile_reduce_scatter(builder& b, const recipe& r, const group_shape& shape) {
  const place own = output(shape.rank);
  if (r.how == algorithm::hierarchical) return hierarchical::reduce_scatter(b, {shape}, own, r.on_rail);
  if (r.how == algorithm::leader) return hierarchical::leader::reduce_scatter(b, {shape});
  algorithms::reduce_scatter(b, algorithms::everyone(shape.rank, shape.size), {}, own, r.how, true);
}

inline void compile_all_reduce(builder& b, const recipe& r, const group_shape& shape) {
  if (r.how == algorithm::hierarchical) return hierarchical::all_reduce(b, {shape}, r.on_rail);
  if (r.how == algorithm::leader) return hierarchical::leader::all_reduce(b, {shape}, r.on_rail);
  algorithms::team all = algorithms::everyone(shape.rank, shape.size);
  if (r.how == algorithm::exchange) return algorithms::exchange_all_reduce(b, all);
  if (r.how == algorithm::doubling) return algorithms::doubling_all_reduce(b, all);
  const place own = output(shape.rank);
  if (r.how == algorithm::ring) {
    const auto in_output = [](int member) { return output(member); };  // where the results belong in the end
    algorithms::ring_reduce_scatter(b, all, {}, own, in_output, true);
  } else {
    algorithms::direct_reduce_scatter(b, all, {}, own, true);
  }
  all.first_round = r.how == algorithm::ring ? static_cast<std::uint32_t>(all.size()) : 1;
  algorithms::all_gather(b, all, own, r.how);
}

inline void compile_broadcast(builder& b, const recipe& r, const group_shape& shape) {
  if (r.how == algorithm::hierarchical) return hierarchical::broadcast(b, {shape}, r.root);
  algorithms::tree_broadcast(b, algorithms::everyone(shape.rank, shape.size), r.root);
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
      compile_broadcast(b, r, shape);
      break;
    case operation::barrier:
      algorithms::dissemination_barrier(b, algorithms::everyone(shape.rank, shape.size));
      break;
  }
  program made = std::move(b).take();
  if (one_step(r)) made.at_once = r.what;
  made.root = r.root;
  return made;
}

}  // namespace mics::schedule
