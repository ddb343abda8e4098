#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <mics/error.hpp>
#include <mics/transport/thread/communicator.hpp>

namespace mics::thread {

/// A pretended cluster: `nodes` nodes of `node_size` ranks each, or nodes of the sizes in `ranks_per_node`.
struct cluster_options {
  int nodes = 1;
  int node_size = 1;
  std::vector<int> ranks_per_node{};          ///< when not empty: instead of the two above
  std::chrono::milliseconds timeout{30'000};  ///< deadline of every wait
#ifdef NDEBUG                                 // build all translation units of a program alike
  bool checked = false;                       ///< compare every call among all ranks before data move
#else
  bool checked = true;
#endif
};

/// Runs ranks as threads of this process. They read each other's buffers in place, and what crosses the borders of the
/// pretended nodes is counted.
class cluster {
 public:
  /// Throws topology_error for sizes below 1, usage_error for a timeout below 1 ms.
  explicit cluster(const cluster_options& options) : cluster(options, node_sizes(options)) {}

  [[nodiscard]] int size() const noexcept { return state_->size(); }

  /// What has moved since the last reset; call it while no collective runs.
  [[nodiscard]] mics::traffic traffic() const { return state_->moved(); }
  void reset_traffic() noexcept { state_->reset_moved(); }

  /// Calls `body(communicator& world)` once a rank, each in a thread of its own, and returns when all have ended.
  /// An exception that leaves `body` ends the waits of all other ranks with an aborted_error that names the culprit;
  /// the culprit's own exception is thrown from here. May be called again afterwards.
  template <class Body> void run(Body body) {
    state_->begin_run();
    std::vector<int> everyone(static_cast<std::size_t>(size()));
    std::iota(everyone.begin(), everyone.end(), 0);
    const auto group = std::make_shared<group_state>(state_, 0, everyone);
    {
      std::vector<std::jthread> threads;
      for (const int rank : everyone) try {
          threads.emplace_back([this, rank, &body, &group] {
            try {
              communicator world(std::make_shared<member>(group, rank, "world"));
              body(world);
            } catch (...) {
              state_->abort(rank, std::current_exception());
            }
          });
        } catch (...) {
          state_->abort(rank, std::current_exception());  // no thread to be had: those that run must not wait for it
          break;
        }
    }
    if (const std::exception_ptr failure = state_->end_run()) std::rethrow_exception(failure);
  }

 private:
  cluster(const cluster_options& options, const std::vector<int>& sizes)
      : state_(std::make_shared<cluster_state>(node_of_each_rank(sizes), static_cast<int>(sizes.size()),
                                               options.timeout, options.checked)) {
    if (options.timeout.count() < 1) {
      throw usage_error("a timeout of " + std::to_string(options.timeout.count()) + " ms; it must be at least 1");
    }
  }

  static std::vector<int> node_sizes(const cluster_options& options) {
    std::vector<int> sizes = options.ranks_per_node;
    if (sizes.empty()) {
      if (options.nodes < 1 || options.node_size < 1) {
        throw topology_error("a cluster of " + std::to_string(options.nodes) + " nodes with " +
                             std::to_string(options.node_size) + " ranks each; both must be at least 1");
      }
      sizes.assign(static_cast<std::size_t>(options.nodes), options.node_size);
    }
    for (const int size : sizes) {
      if (size < 1) throw topology_error("a node of " + std::to_string(size) + " ranks; it must have at least 1");
    }
    return sizes;
  }

  static std::vector<int> node_of_each_rank(const std::vector<int>& sizes) {
    std::vector<int> node_of;
    for (std::size_t node = 0; node < sizes.size(); ++node) {
      node_of.insert(node_of.end(), static_cast<std::size_t>(sizes[node]), static_cast<int>(node));
    }
    return node_of;
  }

  std::shared_ptr<cluster_state> state_;
};

}  // namespace mics::thread
