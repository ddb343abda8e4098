#pragma once

#include <cstddef>
#include <string>

#include <mpi.h>

#include <mics/bootstrap/detail/wire.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap::mpi::detail {

/// Throws transport_error, with the error in MPI's words.
inline void check(int code, const char* call, int rank = -1) {
  if (code == MPI_SUCCESS) return;
  char words[MPI_MAX_ERROR_STRING + 1] = {};
  int length = 0;
  MPI_Error_string(code, words, &length);
  throw transport_error(std::string(call) + " failed", {.rank = rank, .stage = "rendezvous", .native = words});
}

inline void require_usable(MPI_Comm comm) {
  int started = 0, ended = 0, between = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  if (started == 0 || ended != 0) {
    throw usage_error(std::string("MPI is ") + (ended != 0 ? "finalized" : "not initialized") +
                      "; allowed: between MPI_Init and MPI_Finalize");
  }
  if (comm == MPI_COMM_NULL) {
    throw usage_error("the communicator is MPI_COMM_NULL; allowed: one that this process is a rank of");
  }
  check(MPI_Comm_test_inter(comm, &between), "MPI_Comm_test_inter");
  if (between != 0) throw usage_error("an intercommunicator, between two groups; allowed: one of a single group");
}

/// A communicator of our own, so that nothing here meets the application's messages, and errors come back as codes.
class own_communicator {
 public:
  explicit own_communicator(MPI_Comm made) noexcept : comm_(made) { MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN); }
  ~own_communicator() { MPI_Comm_free(&comm_); }
  own_communicator(const own_communicator&) = delete;
  own_communicator& operator=(const own_communicator&) = delete;

  [[nodiscard]] static own_communicator copy_of(MPI_Comm comm) {
    MPI_Comm made = MPI_COMM_NULL;
    check(MPI_Comm_dup(comm, &made), "MPI_Comm_dup");
    return own_communicator(made);
  }

  /// The ranks that share memory with this one, in the order of ranks.
  [[nodiscard]] own_communicator of_node() const {
    MPI_Comm made = MPI_COMM_NULL;
    check(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank(), MPI_INFO_NULL, &made), "MPI_Comm_split_type",
          rank());
    return own_communicator(made);
  }

  [[nodiscard]] int rank() const {
    int number = -1;
    check(MPI_Comm_rank(comm_, &number), "MPI_Comm_rank");
    return number;
  }
  [[nodiscard]] int size() const {
    int number = 0;
    check(MPI_Comm_size(comm_, &number), "MPI_Comm_size");
    return number;
  }

  /// Rank 0's bytes, on every rank.
  [[nodiscard]] bootstrap::detail::bytes broadcast(bootstrap::detail::bytes value) const {
    int count = static_cast<int>(value.size());
    check(MPI_Bcast(&count, 1, MPI_INT, 0, comm_), "MPI_Bcast", rank());
    value.resize(static_cast<std::size_t>(count));
    check(MPI_Bcast(value.data(), count, MPI_BYTE, 0, comm_), "MPI_Bcast", rank());
    return value;
  }

 private:
  MPI_Comm comm_;
};

}  // namespace mics::bootstrap::mpi::detail
