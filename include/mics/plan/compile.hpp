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
#include <mics/plan/recipe.hpp>
#include <mics/schedule/builder.hpp>
#include <mics/schedule/program.hpp>
#include <mics/shape.hpp>

namespace mics {

namespace detail {

inline void compile_all_gather(schedule::builder& b, const recipe& r, const group_shape& shape) {
  const schedule::place own = schedule::input(shape.rank);
  b.copy(own, schedule::output(shape.rank), schedule::lane::rail, 0);
  if (r.how == algorithm::hierarchical) return hierarchical::all_gather(b, {shape}, own, r.on_rail);
  if (r.how == algorithm::leader) return hierarchical::leader::all_gather(b, {shape}, own);
  algorithms::all_gather(b, algorithms::everyone(shape.rank, shape.size), own, r.how);
}

inline void compile_reduce_scatter(schedule::builder& b, const recipe& r, const group_shape& shape) {
  const schedule::place own = schedule::output(shape.rank);
  if (r.how == algorithm::hierarchical) return hierarchical::reduce_scatter(b, {shape}, own, r.on_rail);
  if (r.how == algorithm::leader) return hierarchical::leader::reduce_scatter(b, {shape});
  algorithms::reduce_scatter(b, algorithms::everyone(shape.rank, shape.size), {}, own, r.how, true);
}

inline void compile_all_reduce(schedule::builder& b, const recipe& r, const group_shape& shape) {
  if (r.how == algorithm::hierarchical) return hierarchical::all_reduce(b, {shape}, r.on_rail);
  if (r.how == algorithm::leader) return hierarchical::leader::all_reduce(b, {shape}, r.on_rail);
  algorithms::team all = algorithms::everyone(shape.rank, shape.size);
  if (r.how == algorithm::exchange) return algorithms::exchange_all_reduce(b, all);
  if (r.how == algorithm::doubling) return algorithms::doubling_all_reduce(b, all);
  const schedule::place own = schedule::output(shape.rank);
  if (r.how == algorithm::ring) {
    const auto in_output = [](int member) { return schedule::output(member); };  // where the results belong in the end
    algorithms::ring_reduce_scatter(b, all, {}, own, in_output, true);
  } else {
    algorithms::direct_reduce_scatter(b, all, {}, own, true);
  }
  all.first_round = r.how == algorithm::ring ? static_cast<std::uint32_t>(all.size()) : 1;
  algorithms::all_gather(b, all, own, r.how);
}

inline void compile_broadcast(schedule::builder& b, const recipe& r, const group_shape& shape) {
  if (r.how == algorithm::hierarchical) return hierarchical::broadcast(b, {shape}, r.root);
  algorithms::tree_broadcast(b, algorithms::everyone(shape.rank, shape.size), r.root);
}

}  // namespace detail

/// The program of rank `shape.rank`. The recipe must be supported.
inline schedule::program compile(const recipe& r, const group_shape& shape) {
  schedule::builder b(shape.rank);
  switch (r.what) {
    case operation::all_gather:
      detail::compile_all_gather(b, r, shape);
      break;
    case operation::reduce_scatter:
      detail::compile_reduce_scatter(b, r, shape);
      break;
    case operation::all_reduce:
      detail::compile_all_reduce(b, r, shape);
      break;
    case operation::broadcast:
      detail::compile_broadcast(b, r, shape);
      break;
    case operation::barrier:
      algorithms::dissemination_barrier(b, algorithms::everyone(shape.rank, shape.size));
      break;
  }
  schedule::program made = std::move(b).take();
  if (one_step(r)) made.at_once = r.what;
  made.root = r.root;
  return made;
}

}  // namespace mics
