#pragma once

#include <string>
#include <utility>

#include <mics/bootstrap/detail/client.hpp>
#include <mics/bootstrap/detail/deadline.hpp>
#include <mics/bootstrap/detail/handshake.hpp>
#include <mics/bootstrap/detail/host.hpp>
#include <mics/bootstrap/detail/server.hpp>
#include <mics/bootstrap/environment.hpp>
#include <mics/bootstrap/listener.hpp>
#include <mics/bootstrap/session.hpp>
#include <mics/bootstrap/session_options.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap {

namespace detail {

inline constexpr std::size_t longest_node_id = 1024;

/// What this rank calls its node; a given name cannot be mistaken for a host's.
inline std::string node_name(const environment& where, const session_options& options) {
  const std::string& given = options.node_id.empty() ? where.node_id : options.node_id;
  if (given.size() > longest_node_id) {
    throw usage_error(
        "a node id of " + std::to_string(given.size()) + " bytes; allowed: up to " + std::to_string(longest_node_id),
        {.rank = where.rank});
  }
  return given.empty() ? "host " + host_identity(options.node_by_network_namespace) : "named " + given;
}

inline void require_sound(const environment& where) {
  if (where.world_size < 1 || where.rank < 0 || where.rank >= where.world_size) {
    throw usage_error("rank " + std::to_string(where.rank) + " in a world of " + std::to_string(where.world_size) +
                      " ranks; allowed: 0 to world size - 1");
  }
}

inline void require_meeting_place(const environment& where) {
  if (where.master_address.empty()) {
    throw usage_error("where rank 0 is, is not known; set MASTER_ADDR (or MICS_MASTER_ADDR) to its host",
                      {.rank = where.rank, .stage = "rendezvous"});
  }
  if (where.master_port < 1 || where.master_port > 65535) {
    throw usage_error("the port of rank 0 is " + std::to_string(where.master_port) +
                          "; allowed: 1 to 65535, set MASTER_PORT (or MICS_MASTER_PORT), the same on every rank",
                      {.rank = where.rank, .stage = "rendezvous"});
  }
}

inline session receive_others(const environment& where, const listener& door, const session_options& options) {
  const time_point end = clock::now() + checked_timeout(options.join_timeout);
  server gathering(door, where.world_size, key_of(where.job_secret), node_name(where, options), end);
  return session(0, gathering.gather(), options.timeout);
}

}  // namespace detail

/// Rank 0 of a job whose listening socket exists already; otherwise as below.
[[nodiscard]] inline session rendezvous(const environment& where, listener door, const session_options& options = {}) {
  detail::require_sound(where);
  if (where.rank != 0) {
    throw usage_error("rank " + std::to_string(where.rank) + " was given a listener; allowed: rank 0 only");
  }
  return detail::receive_others(where, door, options);
}

/// Brings all ranks of the job together; every rank calls it once. Blocks until all have come.
/// - Rank 0 listens at the master's address and port; the others connect, and try again until it is there.
/// - Throws timeout_error on every rank that came when some are missing at the deadline (the earliest of the ranks'),
///   and rank 0's names them; usage_error for a rank that rank 0 refuses: a rank that is taken or out of range,
///   another world size, another secret, another version of this library; transport_error when rank 0 cannot listen. A
///   world of one rank opens no socket.
/// - The secret (environment::job_secret; MICS_JOB_SECRET, else job id, address and port) does not cross the network:
///   each side proves by a keyed hash (SipHash-2-4) of fresh random numbers that it knows it. This keeps out other
///   jobs, scanners and, if MICS_JOB_SECRET is long and random, whoever else can reach the port. It does not hide what
///   is exchanged, and not resist someone who can alter traffic between the hosts; and a job id can be guessed.
/// - Looking up a host's name may take longer than the deadline: the system's resolver knows none.
[[nodiscard]] inline session rendezvous(const environment& where, const session_options& options = {}) {
  detail::require_sound(where);
  if (where.world_size == 1) return session(0, {{0}, {}}, options.timeout);
  detail::require_meeting_place(where);
  if (where.rank == 0) {
    return detail::receive_others(where, listener::on(where.master_address, where.master_port), options);
  }
  const auto end = detail::clock::now() + detail::checked_timeout(options.join_timeout);
  detail::client joining(where.master_address, where.master_port, detail::key_of(where.job_secret),
                         {where.rank, where.world_size, 0, detail::node_name(where, options)}, end);
  return session(where.rank, joining.join(), options.timeout);
}

/// The rank that the launcher of this process made it; see read_environment().
[[nodiscard]] inline session rendezvous(const session_options& options = {}) {
  return rendezvous(read_environment(), options);
}

}  // namespace mics::bootstrap
