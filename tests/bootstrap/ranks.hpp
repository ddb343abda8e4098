#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <mics/bootstrap.hpp>

#include "../support/contains.hpp"

namespace mics::test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool can_fork = false;  // the thread sanitizer does not follow a fork of a process with threads
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool can_fork = false;
#else
inline constexpr bool can_fork = true;
#endif
#else
inline constexpr bool can_fork = true;
#endif

/// What a rank checks, be it a thread or a process.
inline void expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("not so: " + what);
}

/// One job on the loopback. The listener is there before any rank starts.
struct job {
  explicit job(int ranks) : size(ranks), door(bootstrap::listener::on("127.0.0.1", 0)), port(door.port()) {}

  [[nodiscard]] bootstrap::environment environment_of(int rank) const {
    return {.rank = rank,
            .world_size = size,
            .master_address = "127.0.0.1",
            .master_port = port,
            .job_secret = "the secret of a test"};
  }

  /// Blocks until all have come.
  bootstrap::session join(int rank, const bootstrap::session_options& options = {}) {
    if (rank == 0) return bootstrap::rendezvous(environment_of(0), std::move(door), options);
    return bootstrap::rendezvous(environment_of(rank), options);
  }

  /// As a rank, but without a session: when the result is dropped, the connection breaks as if the process had died.
  [[nodiscard]] bootstrap::detail::meeting join_bare(int rank) const {
    const auto end = bootstrap::detail::clock::now() + std::chrono::seconds(30);
    return bootstrap::detail::client("127.0.0.1", port, bootstrap::detail::key_of("the secret of a test"),
                                     {rank, size, 0, "bare"}, end)
        .join();
  }

  int size;
  bootstrap::listener door;
  int port;
};

/// Runs `body(rank)` in a thread for each rank; what left it, "" for nothing.
template <class Body> std::vector<std::string> outcomes(int ranks, Body body) {
  std::vector<std::string> ended(static_cast<std::size_t>(ranks));
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      auto& said = ended[static_cast<std::size_t>(rank)];
      try {
        body(rank);
      } catch (const usage_error& error) {
        said = std::string("usage_error: ") + error.what();
      } catch (const timeout_error& error) {
        said = std::string("timeout_error: ") + error.what();
      } catch (const aborted_error& error) {
        said = std::string("aborted_error: ") + error.what();
      } catch (const std::exception& error) {
        said = std::string("exception: ") + error.what();
      }
    });
  }
  threads.clear();
  return ended;
}

inline void check_all_ended_well(const std::vector<std::string>& ended) {
  for (std::size_t rank = 0; rank < ended.size(); ++rank) {
    CAPTURE(rank);
    CHECK(ended[rank] == "");
  }
}

/// Waits until this rank knows of a failure; ten seconds are far more than it needs.
inline bootstrap::rank_failure await_failure(const bootstrap::session& world) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (const auto seen = world.failure()) return *seen;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw std::runtime_error("not so: a failure is noticed");
}

}  // namespace mics::test
