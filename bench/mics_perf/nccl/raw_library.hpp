#pragma once

#include <functional>
#include <string>

#include <nccl.h>

#include <mics/transport/nccl.hpp>

#include "../exchange.hpp"

namespace perf {

/// NCCL's flat collectives over a group's ranks without this library, in a communicator with connections of its own.
class raw_library {
 public:
  /// Collective over the group.
  explicit raw_library(const mics::nccl::communicator_ref& group) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.splitShare = 0;
    mics::nccl::check(ncclCommSplit(group.native_handle(), 0, group.rank(), &comm_, &config), "ncclCommSplit",
                      group.native_handle());
  }
  ~raw_library() { ncclCommDestroy(comm_); }
  raw_library(const raw_library&) = delete;
  raw_library& operator=(const raw_library&) = delete;

  [[nodiscard]] ncclComm_t communicator() const noexcept { return comm_; }

  /// The call, enqueued on `stream` each time. Throws usage_error for types that NCCL cannot reduce.
  [[nodiscard]] std::function<void()> call(const exchange& one, cudaStream_t stream) const {
    using mics::nccl::check;
    const ncclComm_t comm = comm_;
    const auto copied = [one] { return one.count * mics::size_of(one.type); };
    switch (one.op) {
      case mics::operation::all_gather:
        return [=, bytes = copied()] {
          check(ncclAllGather(one.in.data(), one.out.data(), bytes, ncclInt8, comm, stream), "ncclAllGather", comm);
        };
      case mics::operation::reduce_scatter:
        return [=, type = reducible(one), op = reduction_of(one)] {
          check(ncclReduceScatter(one.in.data(), one.out.data(), one.count, type, op, comm, stream),
                "ncclReduceScatter", comm);
        };
      case mics::operation::all_reduce:
        return [=, type = reducible(one), op = reduction_of(one)] {
          check(ncclAllReduce(one.in.data(), one.out.data(), one.count, type, op, comm, stream), "ncclAllReduce", comm);
        };
      case mics::operation::broadcast:
        return [=, bytes = copied()] {
          check(ncclBroadcast(one.out.data(), one.out.data(), bytes, ncclInt8, root, comm, stream), "ncclBroadcast",
                comm);
        };
      default:
        throw mics::usage_error("NCCL has no " + std::string(mics::name_of(one.op)));
    }
  }

 private:
  static ncclDataType_t reducible(const exchange& one) {
    if (const auto known = mics::nccl::native_type(one.type)) return *known;
    throw mics::usage_error("NCCL cannot reduce " + std::string(mics::name_of(one.type)));
  }
  static ncclRedOp_t reduction_of(const exchange& one) {
    return one.reduction == mics::reduction::avg ? ncclAvg : mics::nccl::native_reduction(one.reduction);
  }

  ncclComm_t comm_ = nullptr;
};

}  // namespace perf
