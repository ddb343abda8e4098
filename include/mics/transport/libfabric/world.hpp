#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <mics/bootstrap/session.hpp>
#include <mics/error.hpp>
#include <mics/transport/libfabric/communicator.hpp>
#include <mics/transport/libfabric/rail/endpoint.hpp>
#include <mics/transport/libfabric/rail/nearest_card.hpp>
#include <mics/transport/libfabric/rail/provider.hpp>

namespace mics::libfabric {

namespace detail {

/// The exchanges by which the ranks of a session make a world, each of them within the world's own deadline.
class world_exchange {
 public:
  world_exchange(bootstrap::session& job, std::chrono::milliseconds timeout) : job_(&job), timeout_(timeout) {}

  /// Every rank's value, or bytes, in the order of ranks.
  template <class Value> [[nodiscard]] auto all_gather(const Value& value) const {
    return job_->all_gather(value, timeout_);
  }

  /// Every rank's text.
  [[nodiscard]] std::vector<std::string> all_texts(const std::string& own) const {
    std::vector<std::string> all;
    for (const auto& bytes : all_gather(std::as_bytes(std::span(own)))) {
      all.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    return all;
  }

  /// Runs what may fail on some ranks only; if it does, all ranks throw transport_error: what failed, and where.
  template <class Work> void together(Work work) const {
    std::string failure;
    try {
      work();
    } catch (const std::exception& e) {
      failure = e.what();
    }
    const std::vector<std::string> all = all_texts(failure);
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
      if (all[rank].empty()) continue;
      throw transport_error("rank " + std::to_string(rank) + " cannot join: " + all[rank], here());
    }
  }

  [[nodiscard]] error_context here() const { return {.rank = job_->rank(), .group = "world"}; }

 private:
  bootstrap::session* job_;
  std::chrono::milliseconds timeout_;
};

inline void require_one_provider(const world_exchange& among, const provider& found) {
  const auto all = among.all_texts(found.name() + (found.one_sided ? " with" : " without") + " one-sided writes");
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    throw transport_error("the ranks found different providers: rank 0 " + all[0] + ", rank " + std::to_string(rank) +
                              " " + all[rank] + "; name one that all have (settings::provider or MICS_FABRIC_PROVIDER)",
                          among.here());
  }
}

/// This rank's way to the other nodes.
inline std::unique_ptr<rail_endpoint> make_rail(const world_exchange& among, const host& at) {
  provider found;
  among.together([&] { found = choose_provider(at.chosen); });
  require_one_provider(among, found);
  found.take_turn(turn_of(at.rank, among.all_texts(found.cards()), at.node_of));
  std::unique_ptr<rail_endpoint> made;
  among.together([&] { made = std::make_unique<rail_endpoint>(std::move(found), at.rank); });
  made->connect(among.all_gather(std::span<const std::byte>(made->name())));
  return made;
}

inline process_name this_process() {
  std::random_device source;
  return {::getpid(), static_cast<std::uint64_t>(source()) << 32 | source()};
}

}  // namespace detail

/// The world of a job whose ranks have met in a session, on the session's nodes. When a rank dies, the world and all
/// that was split off from it fail: whoever waits for them gets an aborted_error that names the rank. The session stays
/// open as long as that is wanted. Collective, blocking. Throws usage_error for a timeout below 1 ms, transport_error
/// when there is no provider, or the shared memory of a node cannot be used; and timeout_error, which names the ranks
/// that are missing, when they have not come to one of its exchanges within settings::timeout: the ranks have met
/// already, so what is slow about the start of a job is behind them. (The meeting waits for
/// bootstrap::session_options::join_timeout.) A rank that does long work between the two raises settings::timeout on
/// all, or calls session::barrier() first, which waits for the session's own timeout.
[[nodiscard]] inline communicator make_world(bootstrap::session& job, settings chosen = {}) {
  if (chosen.timeout.count() < 1) {
    throw usage_error("a timeout of " + std::to_string(chosen.timeout.count()) + " ms; it must be at least 1",
                      {.rank = job.rank()});
  }
  const auto made = std::make_shared<host>();
  const detail::world_exchange among(job, chosen.timeout);
  made->chosen = std::move(chosen);
  made->rank = job.rank();
  made->node_of = job.node_of();
  const int neighbours = job.layout().local_size(job.rank());
  made->crowded = static_cast<unsigned>(neighbours) > std::thread::hardware_concurrency();
  made->processes = among.all_gather(detail::this_process());
  const bool one_node = job.layout().nodes() == 1 && made->chosen.share_memory;
  if (!one_node && job.size() > 1) made->rail = detail::make_rail(among, *made);
  std::vector<int> everyone(static_cast<std::size_t>(job.size()));
  std::iota(everyone.begin(), everyone.end(), 0);
  std::shared_ptr<member> world;
  among.together([&] { world = std::make_shared<member>(group(made, 0, job.rank(), everyone), made->chosen.name); });
  const std::vector<region_name> boxes = among.all_gather(world->box());
  among.together([&] { world->connect(boxes); });
  job.on_failure([watched = std::weak_ptr<host>(made)](int rank, const std::string& why) {
    if (const auto all = watched.lock()) all->failure.set("rank " + std::to_string(rank) + " failed: " + why);
  });
  return communicator(world);
}

}  // namespace mics::libfabric
