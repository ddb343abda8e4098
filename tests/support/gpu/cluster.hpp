#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <mics/transport/nccl.hpp>

namespace mics::test {

/// N ranks on nodes of k; the last node is shorter where k does not divide N.
struct gpu_cluster {
  int world = 1;
  int node_size = 1;

  [[nodiscard]] std::string describe() const {
    return std::to_string(world) + " ranks on nodes of " + std::to_string(node_size);
  }
};

/// What one rank of a test has before there is a communicator.
class gpu_host {
 public:
  virtual ~gpu_host() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  /// On the hosts only; throws when a rank has failed.
  virtual void barrier() = 0;
  /// An id that rank 0 makes, on every rank. Collective.
  [[nodiscard]] virtual ncclUniqueId unique_id() = 0;
  /// All ranks, on the nodes of the cluster. Collective.
  [[nodiscard]] virtual nccl::communicator world(nccl::settings chosen) = 0;
  [[nodiscard]] nccl::communicator world() { return world(patient()); }

  /// Long enough for a busy machine, short enough to be told of.
  static nccl::settings patient() {
    nccl::settings chosen;
    chosen.timeout = std::chrono::seconds(30);
    return chosen;
  }
};

/// What the test leaves of memory on fake GPUs.
enum class leftovers { forbidden, expected };

/// Runs `body` on every rank, each with a device of its own: as threads with fake GPUs, as forked processes with real
/// ones. Throws what the ranks threw, in one text; and, with fake GPUs, when they complain or anything is left behind.
void on_gpus(const gpu_cluster& cluster, const std::function<void(gpu_host&)>& body,
             leftovers expected = leftovers::forbidden);

/// What the device machine can play: the first is the smallest. Empty, and a message, where there is no GPU.
[[nodiscard]] std::vector<gpu_cluster> gpu_clusters();
/// The one of them that has `world` ranks on nodes of `node_size`, else the last that is no larger.
[[nodiscard]] std::vector<gpu_cluster> gpu_cluster_like(int world, int node_size);

/// Have the tests been built for the fake?
[[nodiscard]] bool gpus_are_fake();

/// A check on a rank, whose failure the test must see in another process.
inline void ensure(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error(what);
}

/// What an `Error` says; throws when it is not thrown.
template <class Error, class F> std::string words_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  throw std::logic_error("nothing was thrown");
}

inline void ensure_words(const std::string& message, const std::vector<std::string>& words) {
  for (const auto& word : words) {
    ensure(message.find(word) != std::string::npos, "'" + word + "' is not in: " + message);
  }
}

}  // namespace mics::test
