// The collectives of the MPI that this program is linked with.

#include "../../mics_perf/libfabric/peer.hpp"

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <mpi.h>

#include <mics/error.hpp>

namespace perf {

namespace {

/// MPI from the first call to the end of the program.
class library {
 public:
  library() {
    MPI_Init(nullptr, nullptr);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  ~library() { MPI_Finalize(); }
  library(const library&) = delete;
  library& operator=(const library&) = delete;

  void require_same_ranks(const exchange& call) const {
    if (call.rank == rank_ && call.ranks == size_) return;
    throw mics::usage_error("MPI has rank " + std::to_string(rank_) + " of " + std::to_string(size_) +
                            " where mics has rank " + std::to_string(call.rank) + " of " + std::to_string(call.ranks) +
                            ": start it by mpirun, with one partition group");
  }

 private:
  int rank_ = 0;
  int size_ = 1;
};

void check(int code, const char* what) {
  if (code != MPI_SUCCESS) throw mics::transport_error(std::string(what) + " failed with code " + std::to_string(code));
}

MPI_Datatype type_of(mics::data_type type) {
  switch (type) {
    case mics::data_type::int32:
      return MPI_INT32_T;
    case mics::data_type::int64:
      return MPI_INT64_T;
    case mics::data_type::float32:
      return MPI_FLOAT;
    case mics::data_type::float64:
      return MPI_DOUBLE;
    default:
      throw mics::usage_error("the comparison with MPI reduces int32, int64, float32 and float64, not " +
                              std::string(mics::name_of(type)));
  }
}

MPI_Op op_of(mics::reduction how) {
  switch (how) {
    case mics::reduction::min:
      return MPI_MIN;
    case mics::reduction::max:
      return MPI_MAX;
    case mics::reduction::prod:
      return MPI_PROD;
    case mics::reduction::avg:
      throw mics::usage_error("MPI has no avg");
    default:
      return MPI_SUM;
  }
}

}  // namespace

std::function<void()> peer_call(const exchange& call) {
  static const library mpi;
  mpi.require_same_ranks(call);
  if (call.in_place && std::getenv("MICS_PEER_OUT_OF_PLACE") != nullptr) {
    throw mics::usage_error("this library is compared out of place only");
  }
  const void* const from = call.in_place ? MPI_IN_PLACE : call.in.data();
  void* const to = call.out.data();
  const auto count = static_cast<int>(call.count);
  const auto bytes = static_cast<int>(call.block_bytes());
  switch (call.op) {
    case mics::operation::all_gather:
      return [=] { check(MPI_Allgather(from, bytes, MPI_BYTE, to, bytes, MPI_BYTE, MPI_COMM_WORLD), "MPI_Allgather"); };
    case mics::operation::reduce_scatter: {
      // In place, MPI leaves the result at the beginning of the input, not in the rank's own block.
      if (call.in_place) throw mics::usage_error("MPI's reduce-scatter in place puts its result elsewhere");
      // Open MPI has a ring for counts that may differ, and none for equal ones.
      if (std::getenv("MICS_PEER_RING") != nullptr) {
        return [=, type = type_of(call.type), op = op_of(call.reduction),
                counts = std::vector<int>(static_cast<std::size_t>(call.ranks), count)] {
          check(MPI_Reduce_scatter(from, to, counts.data(), type, op, MPI_COMM_WORLD), "MPI_Reduce_scatter");
        };
      }
      return [=, type = type_of(call.type), op = op_of(call.reduction)] {
        check(MPI_Reduce_scatter_block(from, to, count, type, op, MPI_COMM_WORLD), "MPI_Reduce_scatter_block");
      };
    }
    case mics::operation::all_reduce:
      return [=, type = type_of(call.type), op = op_of(call.reduction)] {
        check(MPI_Allreduce(from, to, count, type, op, MPI_COMM_WORLD), "MPI_Allreduce");
      };
    case mics::operation::broadcast:
      return [=] { check(MPI_Bcast(to, bytes, MPI_BYTE, root, MPI_COMM_WORLD), "MPI_Bcast"); };
    default:
      throw mics::usage_error("the comparison with MPI has no " + std::string(mics::name_of(call.op)));
  }
}

}  // namespace perf
