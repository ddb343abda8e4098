#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include <mics/bootstrap/detail/deadline.hpp>
#include <mics/bootstrap/detail/handshake.hpp>
#include <mics/bootstrap/environment.hpp>
#include <mics/bootstrap/listener.hpp>
#include <mics/bootstrap/local/children.hpp>
#include <mics/bootstrap/local/options.hpp>
#include <mics/bootstrap/local/spawn_error.hpp>
#include <mics/bootstrap/rendezvous.hpp>
#include <mics/bootstrap/session.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap::local {

namespace detail {

/// One rank's life: joins the others, calls `body`, and says what became of it.
template <class Body, class Report>
void live(const environment& self, listener door, const session_options& choices, Body& body, Report report) noexcept {
  try {
    if (self.rank != 0) listener(std::move(door));  // only rank 0 keeps it open
    session joined = self.rank == 0 ? rendezvous(self, std::move(door), choices) : rendezvous(self, choices);
    try {
      std::invoke(body, joined);
      joined.close();
    } catch (const aborted_error& failure) {
      report(affected_code, failure.what());
      joined.abort(failure.what());
    } catch (const std::exception& failure) {
      report(failed_code, failure.what());
      joined.abort(failure.what());
    } catch (...) {
      report(failed_code, "an exception that is no std::exception");
      joined.abort("an exception that is no std::exception");
    }
  } catch (const std::exception& failure) {
    report(failed_code, failure.what());
  }
}

}  // namespace detail

/// Runs `body(session&)` in `ranks` processes forked from this one, ranks of one job, and returns when all have ended.
/// - Call it before this process has started any threads: a forked child has only the thread that called, and a lock
///   that another one held stays locked for ever. (GPU and MPI libraries start threads; use them in `body` only.)
/// - The ranks meet on the loopback; nodes are played as `chosen` says. Each child ends with _exit(): what was
///   registered with atexit() is not run, output is flushed.
/// - Throws spawn_error when a rank has not ended well: it names the ranks, with exit code or signal, and the what() of
///   the exceptions that left `body`. When one fails, the others have `chosen.grace` to end, then they are killed; the
///   same happens at once when `chosen.limit` is over. No process is left behind, not even a zombie; on Linux the
///   children die with the thread that called.
/// - Throws topology_error when the ranks do not fit the nodes, transport_error when a process cannot be forked.
template <class Body> void spawn(int ranks, Body body, const options& chosen = {}) {
  using bootstrap::detail::clock;
  const int node_size = node_size_of(ranks, chosen);
  const session_options choices{.timeout = chosen.timeout, .join_timeout = chosen.timeout};
  std::string secret;
  for (const std::byte part : bootstrap::detail::fresh_nonce()) secret += static_cast<char>(part);

  children all;
  {
    listener door = listener::on("127.0.0.1", 0);
    const int port = door.port();
    for (int rank = 0; rank < ranks; ++rank) {
      all.fork_one(rank, [&](auto report) {
        const environment self{.rank = rank,
                               .world_size = ranks,
                               .local_rank = rank % node_size,
                               .local_size = node_size,
                               .master_address = "127.0.0.1",
                               .master_port = port,
                               .node_id = "local node " + std::to_string(rank / node_size),
                               .job_secret = secret,
                               .launcher = "mics::bootstrap::local"};
        detail::live(self, std::move(door), choices, body, report);
      });
    }
  }

  const auto end = chosen.limit.count() > 0 ? clock::now() + std::min(chosen.limit, bootstrap::detail::longest_wait)
                                            : clock::time_point::max();
  auto kill_at = end;
  bool over_limit = false;
  while (all.running() > 0) {
    all.collect();
    if (kill_at == end && !all.failures().empty()) kill_at = std::min(end, clock::now() + chosen.grace);
    if (clock::now() < kill_at || all.running() == 0) continue;
    over_limit = over_limit || all.failures().empty();
    all.stop_all();
  }
  if (all.failures().empty()) return;
  const std::string reason = over_limit ? " by the limit of " + bootstrap::detail::in_words(chosen.limit) : "";
  throw spawn_error(ranks, reason, all.failures());
}

}  // namespace mics::bootstrap::local
