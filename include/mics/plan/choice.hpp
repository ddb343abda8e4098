#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <mics/error.hpp>
#include <mics/options.hpp>
#include <mics/plan/recipe.hpp>
#include <mics/shape.hpp>
#include <mics/types.hpp>

namespace mics {

/// What a transport is like, as far as the choice of an algorithm depends on it. The same on all ranks.
struct transport_traits {
  bool direct_reads = false;      ///< a rank can read its peers' buffers: one step costs no more than a copy
  bool dear_messages = false;     ///< one to another node costs a processor far more than one inside a node
  std::size_t shown_at_once = 0;  ///< bytes that every rank of the group can show all others without messages
};

/// What a plan is asked for. Every rank of the group asks the same.
struct plan_request {
  operation what = operation::all_gather;
  std::size_t bytes = 0;        ///< M: the gathered result, the input of a reduce-scatter, the buffer otherwise
  std::size_t block_bytes = 0;  ///< the longest block
  int root = 0;
  algorithm how = algorithm::automatic;
  std::size_t chunk_bytes = 0;     ///< 0: chosen
  std::size_t element_bytes = 1;   ///< of what travels: blocks and chunks hold whole elements
  std::size_t widening_bytes = 0;  ///< copies of the buffers in a wider type
  algorithm on_rail = algorithm::automatic;
  bool plain_sum = true;  ///< of a reduction: sums or averages of floats, in equal blocks if in blocks
};

/// What was decided, and why, in words.
struct plan_choice {
  algorithm how = algorithm::direct;
  algorithm on_rail = algorithm::direct;
  std::size_t chunk_bytes = 0;
  std::string_view why{};
  std::size_t scratch_blocks = 0;  ///< temporary memory of a transport's own collectives; programs know theirs
};

namespace detail {

// Below these sizes latency outweighs bytes. Measured with bench/mics_perf; see bench/README.md.
inline constexpr std::size_t tiny_all_reduce = std::size_t{1} << 10;
inline constexpr std::size_t small_flat = std::size_t{64} << 10;
inline constexpr std::size_t small_rail_block = std::size_t{4} << 10;
inline constexpr std::size_t default_chunk = std::size_t{256} << 10;
inline constexpr int largest_exchange_group = 16;
inline constexpr std::size_t small_by_leaders = std::size_t{128} << 10;
inline constexpr std::size_t small_row_by_leaders = std::size_t{16} << 10;
inline constexpr std::size_t small_exchange_of_leaders = std::size_t{16} << 10;

inline plan_choice choose_flat(const plan_request& r, const group_shape& shape, const transport_traits& t) {
  const bool small = r.bytes <= small_flat;
  const bool uneven = !shape.flat_reason.empty();  // a step to everyone would cross the slow links many times
  switch (r.what) {
    case operation::broadcast:
      return {.how = algorithm::tree, .why = "the group has no node stage"};
    case operation::barrier:
      return {.how = algorithm::direct, .why = "a token to everyone in log2(size) steps"};
    default:
      break;
  }
  if (t.direct_reads && (small || !uneven)) {
    return {.how = algorithm::direct, .why = "peers' buffers can be read, so one step moves every byte once"};
  }
  if (!small) return {.how = algorithm::ring, .why = "flat and large: a ring puts the fewest bytes on each link"};
  const std::string_view why = "flat and small: the fewest steps";
  if (r.what == operation::all_gather) return {.how = algorithm::bruck, .why = why};
  if (r.what == operation::all_reduce) return {.how = algorithm::doubling, .why = why};
  return {.how = algorithms::halving_fits(shape.size) ? algorithm::halving : algorithm::direct, .why = why};
}

inline algorithm choose_rail(const plan_request& r, const plan_choice& c, const group_shape& shape,
                             const transport_traits& t) {
  const algorithm other = c.how == algorithm::leader ? algorithm::exchange : algorithm::ring;
  if (r.on_rail == algorithm::direct || r.on_rail == other) return r.on_rail;
  if (r.on_rail != algorithm::automatic) {
    throw usage_error("a rail stage by " + std::string(name_of(r.on_rail)) + " was asked for; allowed: direct, " +
                          std::string(name_of(other)),
                      {.rank = shape.rank, .operation = std::string(name_of(r.what))});
  }
  if (c.how == algorithm::leader) {
    const bool one_step = shape.nodes == 2 || r.bytes <= small_exchange_of_leaders;
    return one_step && r.what == operation::all_reduce ? algorithm::exchange : algorithm::direct;
  }
  const bool direct = shape.nodes == 2 || t.direct_reads || r.block_bytes <= small_rail_block;
  return direct ? algorithm::direct : algorithm::ring;
}

/// Do messages cost more than the copies that a leader makes for its node?
inline bool leaders_pay(const plan_request& r, const group_shape& shape, const transport_traits& t) noexcept {
  if (!t.dear_messages || r.what == operation::broadcast || r.on_rail != algorithm::automatic) return false;
  return r.bytes <= small_by_leaders && r.bytes <= small_row_by_leaders * static_cast<std::size_t>(shape.nodes);
}

inline plan_choice choose_automatic(const plan_request& r, const group_shape& shape, const transport_traits& t) {
  if (r.what == operation::all_reduce && r.bytes <= std::max(tiny_all_reduce, t.shown_at_once) && shape.size > 1 &&
      shape.size <= largest_exchange_group && t.direct_reads) {
    return {.how = algorithm::exchange, .why = "small: one step among all ranks"};
  }
  const bool has_stages = shape.hierarchical() && shape.node_size > 1;
  if (r.what == operation::barrier || !has_stages) return choose_flat(r, shape, t);
  if (leaders_pay(r, shape, t)) {
    return {.how = algorithm::leader, .why = "small: one message from node to node says all"};
  }
  return {.how = algorithm::hierarchical,
          .why = "the group spans nodes: each byte crosses the slow links once a node that needs it"};
}

}  // namespace detail

/// Decides how a collective runs, from what every rank knows. O(1), no allocation.
/// Throws usage_error when an algorithm was asked for that cannot serve the operation or the group.
inline plan_choice choose(const plan_request& r, const group_shape& shape, const transport_traits& traits) {
  plan_choice c = detail::choose_automatic(r, shape, traits);
  if (r.how != algorithm::automatic && r.how != c.how) {
    if (std::string why_not; !supports(r.what, r.how, shape, why_not)) {
      throw usage_error("algorithm " + std::string(name_of(r.how)) + " was asked for, but " + why_not,
                        {.rank = shape.rank, .operation = std::string(name_of(r.what))});
    }
    c = {.how = r.how, .why = "asked for by the caller"};
  }
  if (c.how == algorithm::hierarchical || c.how == algorithm::leader) {
    c.on_rail = detail::choose_rail(r, c, shape, traits);
  }
  c.chunk_bytes = r.chunk_bytes > 0 ? r.chunk_bytes : detail::default_chunk;
  return c;
}

}  // namespace mics
