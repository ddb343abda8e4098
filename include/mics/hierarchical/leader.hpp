#pragma once

#include <cstdint>
#include <vector>

#include <mics/options.hpp>
#include <mics/schedule/builder.hpp>
#include <mics/schedule/program.hpp>
#include <mics/shape.hpp>

/// The collectives of a group whose nodes speak through one rank each, their first: one message from node to node
/// carries what all of its ranks have to say. For small sizes, where messages cost more than bytes; into a node come as
/// few bytes as in the forms whose rails work in parallel.
namespace mics::hierarchical::leader {

using schedule::builder;
using schedule::lane;
using schedule::place;

/// Who speaks for whom, as one rank sees it. Row j holds the blocks of node j's ranks.
struct roles {
  group_shape shape;

  [[nodiscard]] int leader() const noexcept { return first_of(shape.node()); }
  [[nodiscard]] bool leads() const noexcept { return shape.rank == leader(); }
  [[nodiscard]] int first_of(int node) const noexcept { return node * shape.node_size; }

  [[nodiscard]] std::vector<int> followers() const {
    std::vector<int> ranks;
    for (int r = leader() + 1; r < leader() + shape.node_size; ++r) ranks.push_back(r);
    return ranks;
  }
  [[nodiscard]] std::vector<int> other_leaders() const {
    std::vector<int> ranks;
    for (int node = 0; node < shape.nodes; ++node) {
      if (node != shape.node()) ranks.push_back(first_of(node));
    }
    return ranks;
  }

  /// The row of `node`, or everything, in the output or in sums that begin at a slot of the scratch memory.
  [[nodiscard]] place row(int node) const { return schedule::output(first_of(node), shape.node_size); }
  [[nodiscard]] place row_of_sums(int slot, int node) const {
    return {schedule::buffer::scratch, first_of(node), shape.node_size, slot, 0};
  }
  [[nodiscard]] place whole() const { return schedule::output(0, shape.size); }
  [[nodiscard]] place all_sums(int slot) const { return schedule::scratch(slot, 0, shape.size); }
};

/// The leaders tell each other their rows of the output.
inline void exchange_rows(builder& b, const roles& r, std::uint32_t round) {
  b.send(r.row(r.shape.node()), r.other_leaders(), lane::rail, round);
  for (int node = 0; node < r.shape.nodes; ++node) {
    if (node != r.shape.node()) b.receive(r.row(node), r.first_of(node), lane::rail, round);
  }
}

/// Every leader adds up what its node's ranks bring. Returns the first slot of the sums.
inline int sum_node(builder& b, const roles& r) {
  const place all = schedule::input(0, r.shape.size);
  if (!r.leads()) {
    b.send(all, r.leader(), lane::node, 0);
    return 0;
  }
  const int sums = b.reserve(r.shape.size);
  b.fold(r.all_sums(sums), all, r.followers(), lane::node, 0);
  return sums;
}

/// The leaders reduce their own rows of the nodes' sums into `into`.
inline void reduce_rows(builder& b, const roles& r, int sums, place into) {
  for (int node = 0; node < r.shape.nodes; ++node) {
    if (node != r.shape.node()) b.send(r.row_of_sums(sums, node), r.first_of(node), lane::rail, 0);
  }
  b.fold(into, r.row_of_sums(sums, r.shape.node()), r.other_leaders(), lane::rail, 0, true);
}

/// The node's blocks go to its leader, the rows from leader to leader, and to every rank all that it has not.
inline void all_gather(builder& b, const roles& r, place own) {
  const int me = r.shape.rank, last = r.shape.size - 1;
  if (r.leads()) {
    for (const int from : r.followers()) b.receive(schedule::output(from), from, lane::node, 0);
    exchange_rows(b, r, 0);
    for (const int to : r.followers()) {
      b.send(schedule::output(0, to), to, lane::node, 1);
      if (to < last) b.send(schedule::output(to + 1, last - to), to, lane::node, 1);
    }
  } else {
    b.send(own, r.leader(), lane::node, 0);
    b.receive(schedule::output(0, me), r.leader(), lane::node, 1);
    if (me < last) b.receive(schedule::output(me + 1, last - me), r.leader(), lane::node, 1);
  }
}

/// Temporary memory of a leader: the whole input, and a row.
inline void reduce_scatter(builder& b, const roles& r) {
  const int sums = sum_node(b, r);
  const place own = schedule::output(r.shape.rank);
  if (!r.leads()) return b.receive(own, r.leader(), lane::node, 1);
  const int results = b.reserve(r.shape.node_size);
  const auto result = [&](int rank) { return place{schedule::buffer::scratch, rank, 1, results, r.leader()}; };
  reduce_rows(b, r, sums, {schedule::buffer::scratch, r.leader(), r.shape.node_size, results, r.leader()});
  for (const int to : r.followers()) b.send(result(to), to, lane::node, 1);
  b.copy(result(r.shape.rank), own, lane::node, 1);
}

/// `on_rail`: by exchange each leader tells the others all of its node's sums, in one step; else they reduce row by row
/// and gather, in two. Temporary memory of a leader: the whole input.
inline void all_reduce(builder& b, const roles& r, algorithm on_rail) {
  const int sums = sum_node(b, r);
  if (!r.leads()) return b.receive(r.whole(), r.leader(), lane::node, 1);
  if (on_rail == algorithm::exchange) {
    b.send(r.all_sums(sums), r.other_leaders(), lane::rail, 0);
    b.fold(r.whole(), r.all_sums(sums), r.other_leaders(), lane::rail, 0, true);
  } else {
    reduce_rows(b, r, sums, r.row(r.shape.node()));
    exchange_rows(b, r, 1);
  }
  b.send(r.whole(), r.followers(), lane::node, 1);
}

}  // namespace mics::hierarchical::leader
