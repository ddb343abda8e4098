#pragma once

#include <span>
#include <utility>
#include <vector>

#include <mics/collectives/planned_call.hpp>
#include <mics/error.hpp>
#include <mics/transport/nccl/launch.hpp>
#include <mics/transport/nccl/run.hpp>

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
/// - Communicators that the calls need are made in run(), for all GPUs at once.
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
    if (!launches_.empty()) nccl::run(launches_, launches_.front().group().chosen().timeout);
    launches_.clear();
    calls_.clear();
  }

  /// The one that this thread is in; null outside.
  static together*& current() noexcept {
    thread_local together* of_this_thread = nullptr;
    return of_this_thread;
  }

  void add(launch ready, std::span<const planned_call> calls) {
    for (const launch& other : launches_) {
      if (&other.group() == &ready.group()) {
        throw usage_error("a second call for the same communicator inside mics::nccl::together; use a mics::batch",
                          ready.group().where());
      }
    }
    calls_.emplace_back(calls.begin(), calls.end());
    ready.refer_to(calls_.back());
    launches_.push_back(std::move(ready));
  }

 private:
  std::vector<launch> launches_{};
  std::vector<std::vector<planned_call>> calls_{};  ///< what the launches point to: inner vectors do not move
};

}  // namespace mics::nccl
