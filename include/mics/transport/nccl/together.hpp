#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <mics/collectives/planned_call.hpp>
#include <mics/error.hpp>
#include <mics/transport/nccl/group/split.hpp>
#include <mics/transport/nccl/launch/launch.hpp>
#include <mics/transport/nccl/launch/run.hpp>

namespace mics::nccl {

/// One thread that drives several GPUs makes the same call for each of them, inside one of these:
///
///     mics::nccl::together all;
///     for (auto& gpu : gpus) mics::all_gather(gpu.world, gpu.shard, gpu.full, gpu.stream);
///     all.run();
///
/// - Between its making and run() the collectives of this thread over NCCL are collected; run() enqueues them, step by
///   step for all GPUs. What was collected and not run is dropped with it.
/// - One call (or batch) a communicator; a second one throws usage_error. They do not nest.
/// - Communicators that the calls need are made in run(), for all GPUs at once, and so is what prepare() of a batch
///   would make, and the groups that mics::groups prepares inside one:
///
///     mics::nccl::together all;
///     for (auto& gpu : gpus) gpu.groups.prepare();
///     all.run();
///
/// - What else waits on the host for other ranks needs a thread a GPU: registered_memory (a usage_error inside one),
///   gradient_sync, checked mode, use(), gather_numbers(), communicator::duplicate(), making a world by an id, and a
///   world whose settings do not say which ranks share a node.
class together {
 public:
  together() {
    if (current() != nullptr) throw usage_error("mics::nccl::together does not nest");
    current() = this;
  }
  ~together() {
    if (current() == this) current() = nullptr;
  }
  together(const together&) = delete;
  together& operator=(const together&) = delete;

  /// Enqueues what was collected. May be called once.
  void run() {
    current() = nullptr;
    for (const split_round& round : splits_) {
      const auto made = split(round.orders);
      for (std::size_t i = 0; i < made.size(); ++i) round.receive[i](made[i]);
    }
    splits_.clear();
    to_prepare_.hand_over([](std::span<launch> all, auto timeout) { detail::provide(all, timeout); });
    to_run_.hand_over([](std::span<launch> all, auto timeout) { nccl::run(all, timeout); });
  }

  /// The one that this thread is in; null outside.
  static together*& current() noexcept {
    thread_local together* of_this_thread = nullptr;
    return of_this_thread;
  }

  /// Throws usage_error for a second call of one communicator. Of several deadlines the longest counts.
  void add(launch ready, std::span<const planned_call> calls, std::chrono::milliseconds timeout) {
    to_run_.add(std::move(ready), calls, timeout);
  }
  /// The same for what is only to be prepared, before anything runs.
  void add_to_prepare(launch ready, std::span<const planned_call> calls) {
    const auto timeout = ready.group().chosen().timeout;
    to_prepare_.add(std::move(ready), calls, timeout);
  }

  /// `receive` gets the group in run(). Splits of one communicator follow one another: each round has at most one.
  void add(split_order order, std::function<void(std::shared_ptr<member>)> receive) {
    const auto splits = [&](const split_round& round) {
      return std::any_of(round.orders.begin(), round.orders.end(),
                         [&](const split_order& other) { return other.parent == order.parent; });
    };
    auto round = std::find_if_not(splits_.begin(), splits_.end(), splits);
    if (round == splits_.end()) round = splits_.emplace(round);
    round->orders.push_back(std::move(order));
    round->receive.push_back(std::move(receive));
  }

 private:
  struct split_round {
    std::vector<split_order> orders{};
    std::vector<std::function<void(std::shared_ptr<member>)>> receive{};
  };

  /// Launches, and the calls that they point to, which the caller does not keep.
  class collected {
   public:
    void add(launch ready, std::span<const planned_call> calls, std::chrono::milliseconds timeout) {
      for (const launch& other : launches_) {
        if (&other.group() == &ready.group()) {
          throw usage_error("a second call for the same communicator inside mics::nccl::together; use a mics::batch",
                            ready.group().where());
        }
      }
      calls_.emplace_back(calls.begin(), calls.end());
      ready.refer_to(calls_.back());
      launches_.push_back(std::move(ready));
      timeout_ = std::max(timeout_, timeout);
    }
    /// Calls f(launches, deadline), if there are any.
    template <class F> void hand_over(F f) {
      if (!launches_.empty()) f(std::span(launches_), timeout_);
      launches_.clear();
      calls_.clear();
    }

   private:
    std::chrono::milliseconds timeout_{0};
    std::vector<launch> launches_{};
    std::vector<std::vector<planned_call>> calls_{};  ///< inner vectors do not move
  };

  std::vector<split_round> splits_{};
  collected to_prepare_{};
  collected to_run_{};
};

}  // namespace mics::nccl
