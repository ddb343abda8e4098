#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <mics/error.hpp>

/// The sentences of wrong geometry, apart from the arithmetic: none of this runs unless something throws.
namespace mics::detail {

inline constexpr std::int64_t most_ranks = std::numeric_limits<int>::max();

[[noreturn]] inline void refuse_size(const char* name, std::int64_t given) {
  throw topology_error(std::string(name) + " " + std::to_string(given) + " is not possible; allowed: 1 to " +
                       std::to_string(most_ranks));
}

[[noreturn]] inline void refuse_rank(std::int64_t rank, const std::string& where) {
  throw topology_error("rank " + std::to_string(rank) + " is not in the " + where);
}

[[noreturn]] inline void refuse_rank(std::int64_t rank, std::int64_t world) {
  refuse_rank(rank, "world of " + std::to_string(world) + " ranks; allowed: 0 to " + std::to_string(world - 1));
}

[[noreturn]] inline void refuse_node(std::int64_t node, std::int64_t nodes) {
  throw topology_error("node " + std::to_string(node) + " is not one of the " + std::to_string(nodes) +
                       " nodes; allowed: 0 to " + std::to_string(nodes - 1));
}

[[noreturn]] inline void refuse_empty_list() {
  throw topology_error("the list of ranks per node is empty; allowed: one entry or more, each 1 or more");
}

[[noreturn]] inline void refuse_listed_node(std::size_t node, std::int64_t given) {
  throw topology_error("node " + std::to_string(node) + " has " + std::to_string(given) +
                       " ranks in the list of ranks per node; allowed: 1 to " + std::to_string(most_ranks));
}

[[noreturn]] inline void refuse_sum(std::size_t node, std::int64_t ranks) {
  throw topology_error("the ranks per node add up to " + std::to_string(ranks) + " at node " + std::to_string(node) +
                       "; allowed: up to " + std::to_string(most_ranks) + " in total");
}

inline std::vector<std::int64_t> divisors_of(std::int64_t number) {
  std::vector<std::int64_t> small;
  std::vector<std::int64_t> divisors;
  for (std::int64_t d = 1; d * d <= number; ++d) {
    if (number % d == 0) small.push_back(d);
  }
  divisors = small;
  for (auto d = small.rbegin(); d != small.rend(); ++d) {
    if (*d != number / *d) divisors.push_back(number / *d);
  }
  return divisors;
}

/// "1, 2, 4, 8, 16"; of a number with very many divisors only those around `wanted`.
inline std::string allowed_partitions(std::int64_t world, std::int64_t wanted) {
  constexpr std::size_t listed = 16;
  const auto divisors = divisors_of(world);
  std::string text;
  if (divisors.size() <= listed) {
    for (const auto d : divisors) text += (text.empty() ? "" : ", ") + std::to_string(d);
    return text;
  }
  const auto above = std::upper_bound(divisors.begin(), divisors.end(), wanted);
  text = "any divisor of " + std::to_string(world) + ", ";
  if (above == divisors.begin()) return text + "the smallest is 1";
  if (above == divisors.end()) return text + "the largest is " + std::to_string(world);
  return text + "the nearest are " + std::to_string(*(above - 1)) + " and " + std::to_string(*above);
}

[[noreturn]] inline void refuse_partition(std::int64_t world, std::int64_t partition) {
  const bool larger = partition > world;
  throw topology_error("partition size " + std::to_string(partition) +
                       (larger          ? " is larger than world size "
                        : partition < 1 ? " is not possible in world size "
                                        : " does not divide world size ") +
                       std::to_string(world) + "; allowed: " + allowed_partitions(world, partition));
}

}  // namespace mics::detail
