#pragma once

#include <memory>
#include <string>
#include <utility>

#include <mics/bootstrap/session.hpp>
#include <mics/transport/nccl/communicator.hpp>

namespace mics::nccl {

/// The world of a job whose ranks have met in a session; each rank has made its device the current one.
/// Nodes are the session's, unless `chosen` says otherwise. When a rank dies, the world and all that was split off
/// from it fail: whoever waits for them gets an aborted_error that names the rank. Collective, blocking.
[[nodiscard]] inline communicator make_world(bootstrap::session& job, settings chosen = {}) {
  if (chosen.node_size == 0 && chosen.node_of.empty()) chosen.node_of = job.node_of();
  struct named_id {  // nvcc 13 cannot ask about the type of the id itself, which has no name
    ncclUniqueId id{};
  };
  const named_id met = job.broadcast(job.rank() == 0 ? named_id{unique_id()} : named_id{});
  job.barrier();  // of ranks that never come the session tells the names; NCCL would only wait
  communicator world(met.id, job.rank(), job.size(), std::move(chosen));
  const std::weak_ptr<failure_state> watched = world.failure();
  if (const auto failure = watched.lock()) failure->watch();
  job.on_failure([watched](int rank, const std::string& why) {
    if (const auto failure = watched.lock()) failure->set("rank " + std::to_string(rank) + " failed: " + why);
  });
  return world;
}

}  // namespace mics::nccl
