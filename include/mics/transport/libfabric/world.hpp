#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <mics/bootstrap/session.hpp>
#include <mics/error.hpp>
#include <mics/transport/libfabric/communicator.hpp>

namespace mics::libfabric {

namespace detail {

/// Every rank's words; throws transport_error on all ranks when one of them has some: what failed there.
inline void require_all_well(bootstrap::session& job, const std::string& failure) {
  const auto all = job.all_gather(std::as_bytes(std::span(failure)));
  for (int rank = 0; rank < job.size(); ++rank) {
    const auto& words = all[static_cast<std::size_t>(rank)];
    if (words.empty()) continue;
    const std::string said(reinterpret_cast<const char*>(words.data()), words.size());
    throw transport_error("rank " + std::to_string(rank) + " cannot join: " + said,
                          {.rank = job.rank(), .group = "world"});
  }
}

/// Runs what may fail on some ranks only; if it does, all ranks throw.
template <class Work> void together(bootstrap::session& job, Work work) {
  std::string failure;
  try {
    work();
  } catch (const std::exception& e) {
    failure = e.what();
  }
  require_all_well(job, failure);
}

inline void require_one_provider(bootstrap::session& job, const rail_endpoint& rail) {
  const std::string own = rail.provider_name() + (rail.one_sided() ? " with" : " without") + " one-sided writes";
  const auto all = job.all_gather(std::as_bytes(std::span(own)));
  for (int rank = 1; rank < job.size(); ++rank) {
    if (all[static_cast<std::size_t>(rank)] == all[0]) continue;
    const auto words = [&](const std::vector<std::byte>& bytes) {
      return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    throw transport_error("the ranks found different providers: rank 0 " + words(all[0]) + ", rank " +
                              std::to_string(rank) + " " + words(all[static_cast<std::size_t>(rank)]) +
                              "; name one that all have (settings::provider or MICS_FABRIC_PROVIDER)",
                          {.rank = job.rank(), .group = "world"});
  }
}

inline process_name this_process() {
  std::random_device source;
  return {::getpid(), static_cast<std::uint64_t>(source()) << 32 | source()};
}

}  // namespace detail

/// The world of a job whose ranks have met in a session, on the session's nodes. When a rank dies, the world and all
/// that was split off from it fail: whoever waits for them gets an aborted_error that names the rank. The session stays
/// open as long as that is wanted. Collective, blocking. Throws usage_error for a timeout below 1 ms, transport_error
/// when there is no provider, or the shared memory of a node cannot be used.
[[nodiscard]] inline communicator make_world(bootstrap::session& job, settings chosen = {}) {
  if (chosen.timeout.count() < 1) {
    throw usage_error("a timeout of " + std::to_string(chosen.timeout.count()) + " ms; it must be at least 1",
                      {.rank = job.rank()});
  }
  const auto made = std::make_shared<host>();
  made->chosen = std::move(chosen);
  made->rank = job.rank();
  made->node_of = job.node_of();
  const int neighbours = job.layout().local_size(job.rank());
  made->crowded = static_cast<unsigned>(neighbours) > std::thread::hardware_concurrency();
  made->processes = job.all_gather(detail::this_process());
  const bool one_node = job.layout().nodes() == 1 && made->chosen.share_memory;
  if (!one_node && job.size() > 1) {
    detail::together(job,
                     [&] { made->rail = std::make_unique<rail_endpoint>(made->chosen, job.rank(), job.local_rank()); });
    detail::require_one_provider(job, *made->rail);
    made->rail->connect(job.all_gather(std::span<const std::byte>(made->rail->name())));
  }
  std::vector<int> everyone(static_cast<std::size_t>(job.size()));
  std::iota(everyone.begin(), everyone.end(), 0);
  std::shared_ptr<member> world;
  detail::together(job,
                   [&] { world = std::make_shared<member>(group(made, 0, job.rank(), everyone), made->chosen.name); });
  const std::vector<region_name> boxes = job.all_gather(world->box());
  detail::together(job, [&] { world->connect(boxes); });
  job.on_failure([watched = std::weak_ptr<host>(made)](int rank, const std::string& why) {
    if (const auto all = watched.lock()) all->failure.set("rank " + std::to_string(rank) + " failed: " + why);
  });
  return communicator(world);
}

}  // namespace mics::libfabric
