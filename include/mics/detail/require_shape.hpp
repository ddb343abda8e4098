#pragma once

#include <string>
#include <utility>

#include <mics/error.hpp>
#include <mics/shape.hpp>

namespace mics::detail {

/// Throws usage_error unless `given` can become the shape of a member that has `own` and has not `begun` to work.
inline void require_shape(const group_shape& given, const group_shape& own, bool begun, error_context where) {
  const bool fits = given.rank == own.rank && given.size == own.size && given.nodes > 0 && given.node_size > 0 &&
                    given.size / given.nodes == given.node_size && given.size % given.nodes == 0;
  if (!fits) {
    throw usage_error("the shape rank " + std::to_string(given.rank) + " of " + std::to_string(given.size) + " on " +
                          std::to_string(given.nodes) + " nodes x " + std::to_string(given.node_size) +
                          " does not fit rank " + std::to_string(own.rank) + " of " + std::to_string(own.size) +
                          "; nodes x node size must be the size",
                      std::move(where));
  }
  if (begun) throw usage_error("a shape must be set before the first operation of a communicator", std::move(where));
}

}  // namespace mics::detail
