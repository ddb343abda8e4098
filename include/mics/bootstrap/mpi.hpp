#pragma once

/// A session for programs that have MPI already. Needs the component mpi of the package; nothing else of mics needs
/// MPI.

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <mpi.h>
#include <unistd.h>

#include <mics/bootstrap/detail/handshake.hpp>
#include <mics/bootstrap/detail/variables.hpp>
#include <mics/bootstrap/detail/wire.hpp>
#include <mics/bootstrap/environment.hpp>
#include <mics/bootstrap/listener.hpp>
#include <mics/bootstrap/mpi/communicator.hpp>
#include <mics/bootstrap/rendezvous.hpp>
#include <mics/bootstrap/session.hpp>
#include <mics/bootstrap/session_options.hpp>
#include <mics/bootstrap/variable_lookup.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap::mpi {

namespace detail {

/// Where the ranks will meet, as rank 0 tells it; or why they will not.
struct invitation {
  std::string address{};
  int port = 0;
  std::string secret{};
  std::string problem{};

  [[nodiscard]] bootstrap::detail::bytes written() const {
    return bootstrap::detail::writer().text(address).rank(port).text(secret).text(problem).take();
  }
  [[nodiscard]] static invitation read(const bootstrap::detail::bytes& from) {
    bootstrap::detail::reader in(from);
    invitation told;
    told.address = in.text();
    told.port = in.rank();
    told.secret = in.text();
    told.problem = in.text();
    return told;
  }
};

/// What rank 0 calls itself: MICS_MASTER_ADDR, MASTER_ADDR; else the loopback where that will do, else its host's name.
inline std::string own_address(bool one_host) {
  if (const auto told = bootstrap::detail::text_of(process_variable, {"MICS_MASTER_ADDR", "MASTER_ADDR"})) {
    return told->value;
  }
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return one_host ? "127.0.0.1" : name;
}

/// Rank 0 opens the door before it tells where; what goes wrong there must reach the others, who wait for word.
inline invitation invite(bool one_host, std::optional<listener>& door) {
  invitation made;
  try {
    made.address = own_address(one_host);
    const auto port = bootstrap::detail::number_of(process_variable, {"MICS_MASTER_PORT"}, 1, 65535);
    door = listener::on(made.address, port ? static_cast<int>(port->value) : 0);
    made.port = door->port();
    for (const std::byte part : bootstrap::detail::fresh_nonce()) made.secret += static_cast<char>(part);
  } catch (const std::exception& failure) {
    made.problem = failure.what();
  }
  return made;
}

inline std::string node_id(int first_rank, const session_options& chosen) {
  const auto named = bootstrap::detail::text_of(process_variable, {"MICS_NODE_ID", "NCCL_HOSTID"});
  if (named) return named->value;
  return chosen.node_by_network_namespace ? "" : "MPI ranks that share memory with rank " + std::to_string(first_rank);
}

}  // namespace detail

/// Brings the ranks of an MPI communicator together in a session, each with its rank there. Every rank calls it once;
/// collective, blocking.
/// - Rank 0 listens where nobody had to be told: MPI carries its address, its port and a fresh random secret to the
///   others, then all goes as in bootstrap::rendezvous(), which also says what it throws. So a session watches its
///   ranks where MPI would not; it does not use MPI any more, and may outlive it.
/// - Nodes: the ranks that share memory (MPI_Comm_split_type), unless session_options::node_id, MICS_NODE_ID or
///   NCCL_HOSTID names them, or node_by_network_namespace asks for the host's identity.
/// - Address: MICS_MASTER_ADDR or MASTER_ADDR of rank 0; else 127.0.0.1 when all ranks share memory, else its host's
///   name. Port: MICS_MASTER_PORT of rank 0, else a free one.
/// - `comm` stays the caller's; it is duplicated for a moment, so collectives under way on it are not disturbed. MPI's
///   part has no deadline: a rank that does not call leaves the others waiting for it there.
/// - Throws usage_error outside MPI_Init and MPI_Finalize, for MPI_COMM_NULL and for intercommunicators;
///   transport_error on all ranks when rank 0 cannot listen, and for errors of MPI.
[[nodiscard]] inline session rendezvous(MPI_Comm comm, const session_options& options = {}) {
  detail::require_usable(comm);
  environment where{.launcher = "MPI"};
  std::optional<listener> door;
  {
    const auto all = detail::own_communicator::copy_of(comm);
    const auto node = all.of_node();
    where.rank = all.rank();
    where.world_size = all.size();
    where.local_rank = node.rank();
    where.local_size = node.size();
    const auto first = node.broadcast(bootstrap::detail::writer().rank(where.rank).take());
    where.node_id = detail::node_id(bootstrap::detail::reader(first).rank(), options);
    detail::invitation told;
    if (where.rank == 0) told = detail::invite(where.local_size == where.world_size, door);
    told = detail::invitation::read(all.broadcast(told.written()));
    if (!told.problem.empty()) {
      throw transport_error("rank 0 cannot receive the others: " + told.problem,
                            {.rank = where.rank, .stage = "rendezvous"});
    }
    where.master_address = told.address;
    where.master_port = told.port;
    where.job_secret = told.secret;
  }
  return where.rank == 0 ? bootstrap::rendezvous(where, std::move(*door), options)
                         : bootstrap::rendezvous(where, options);
}

}  // namespace mics::bootstrap::mpi
