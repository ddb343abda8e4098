#pragma once

#include <cstddef>
#include <string>

#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/plan/choice.hpp>
#include <mics/plan/describe.hpp>
#include <mics/plan/plan.hpp>

namespace mics {

namespace detail {

template <communicator C> plan make_plan(const C& comm, const plan_request& request) {
  const plan_choice choice = [&] {
    if constexpr (choosing_communicator<C>) {
      return comm.choose(request);
    } else {
      return choose(request, comm.shape(), C::traits);
    }
  }();
  const mics::recipe recipe = recipe_of(request.what, choice, request.root);
  return {request, choice, comm.shape(), comm.programs().find(recipe, comm.shape())};
}

}  // namespace detail

/// How `what` would run in `comm` for M = `bytes`: the size of the gathered result, of the input of a reduce-scatter,
/// or of the buffer of the other operations, all in elements of `element_bytes`. Without the copies that
/// accumulation::widened takes; reductions are sums of floats. Throws usage_error when `how` cannot serve, and for
/// elements of no bytes.
template <communicator C>
plan plan_for(const C& comm, operation what, std::size_t bytes, algorithm how = algorithm::automatic,
              std::size_t chunk_bytes = 0, std::size_t element_bytes = 1) {
  if (element_bytes == 0) {
    throw usage_error("a plan for elements of 0 bytes was asked for; allowed: 1 and more",
                      {.rank = comm.world_rank(), .group = comm.name(), .operation = std::string(name_of(what))});
  }
  const auto size = static_cast<std::size_t>(comm.size());
  const std::size_t longest = (bytes / element_bytes + size - 1) / size * element_bytes;
  plan_request request{what, bytes, longest, 0, how, chunk_bytes, element_bytes};
  plan made = detail::make_plan(comm, request);
  if (single_block(made.recipe())) {
    request.block_bytes = bytes;
    made = detail::make_plan(comm, request);
  }
  return made;
}

}  // namespace mics
