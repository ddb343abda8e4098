#pragma once

#include <mics/mics.hpp>

#include "exchange.hpp"

namespace perf {

/// The library's call. With a stream it only begins, in the order of that stream.
template <class Comm, class... Stream>
void collective(const Comm& group, const exchange& call, const mics::collective_options& how, Stream... stream) {
  switch (call.op) {
    case mics::operation::all_gather:
      mics::all_gather(group, call.in.data(), call.out.data(), call.count, call.type, stream..., how);
      break;
    case mics::operation::reduce_scatter:
      mics::reduce_scatter(group, call.in.data(), call.out.data(), call.count, call.type, call.reduction, stream...,
                           how);
      break;
    case mics::operation::all_reduce:
      mics::all_reduce(group, call.in.data(), call.out.data(), call.count, call.type, call.reduction, stream..., how);
      break;
    case mics::operation::broadcast:
      mics::broadcast(group, call.out.data(), call.count, call.type, root, stream..., how);
      break;
    case mics::operation::barrier:
      mics::barrier(group, stream...);
      break;
  }
}

}  // namespace perf
