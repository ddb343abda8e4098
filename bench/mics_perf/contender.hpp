#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <mics/mics.hpp>

#include "exchange.hpp"

namespace perf {

/// One column of a measurement: a collective done one way, or a baseline.
struct contender {
  std::string algo;
  std::string plan;
  exchange call;
  std::function<void()> work;
  bool collective = true;  ///< false for baselines: nothing to check, nothing crosses a border
  std::optional<std::uint64_t> wrong{};
  std::optional<std::uint64_t> node_in{};
};

/// The library call itself.
template <class Comm> void collective(Comm& group, const exchange& call, const mics::collective_options& how) {
  switch (call.op) {
    case mics::operation::all_gather:
      mics::all_gather(group, call.in.data(), call.out.data(), call.count, call.type, how);
      break;
    case mics::operation::reduce_scatter:
      mics::reduce_scatter(group, call.in.data(), call.out.data(), call.count, call.type, call.reduction, how);
      break;
    case mics::operation::all_reduce:
      mics::all_reduce(group, call.in.data(), call.out.data(), call.count, call.type, call.reduction, how);
      break;
    case mics::operation::broadcast:
      mics::broadcast(group, call.out.data(), call.count, call.type, root, how);
      break;
    case mics::operation::barrier:
      mics::barrier(group);
      break;
  }
}

}  // namespace perf
