#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/shape.hpp>
#include <mics/transport/nccl/native/result.hpp>
#include <mics/transport/nccl/stage.hpp>

namespace mics::nccl {

/// The communicators of one group's stages, split off at their first use. Registered memory has communicators of its
/// own, for in those where it is registered NCCL uses it whatever the call. Any thread may ask for them.
class stage_communicators {
 public:
  /// The communicator of a stage; null until it has been made.
  [[nodiscard]] ncclComm_t get(stage s) const noexcept { return made_[index(s)].load(std::memory_order_relaxed); }

  /// Begins to split off a stage, inside a group of NCCL calls. Collective over the group.
  template <class Where> void begin(stage s, ncclComm_t whole, const group_shape& shape, Where&& where) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.splitShare = 0;
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 28, 0)
    if (s == stage::copy_engines) config.CTAPolicy = NCCL_CTA_POLICY_ZERO;
#endif
    const bool rail = s == stage::rail;
    const int colour = rail ? shape.local_rank() : shape.node();
    const int key = rail ? shape.node() : shape.local_rank();
    coming_ = {s, nullptr};
    check(ncclCommSplit(whole, colour, key, &coming_.comm, &config), "ncclCommSplit", whole, where);
  }
  /// After the group's end: what was begun, which nobody else sees before keep().
  [[nodiscard]] ncclComm_t take() noexcept { return std::exchange(coming_.comm, nullptr); }
  void keep() noexcept { made_[index(coming_.its)].store(take(), std::memory_order_relaxed); }

  [[nodiscard]] int count() const noexcept {
    int made = 0;
    for_each([&made](ncclComm_t) { ++made; });
    return made;
  }

  /// Calls f(communicator) for each that exists.
  template <class F> void for_each(F f) const {
    for (const auto& each : made_) {
      if (const ncclComm_t comm = each.load(std::memory_order_relaxed)) f(comm);
    }
  }

  /// Calls f(communicator) for each that exists, and forgets them.
  template <class F> void release(F f) {
    for (auto& each : made_) {
      if (const ncclComm_t comm = each.exchange(nullptr, std::memory_order_relaxed)) f(comm);
    }
  }

 private:
  struct in_the_making {
    stage its = stage::whole;
    ncclComm_t comm = nullptr;
  };

  static constexpr std::size_t index(stage s) noexcept { return static_cast<std::size_t>(s); }

  std::array<std::atomic<ncclComm_t>, 5> made_{};
  in_the_making coming_{};
};

}  // namespace mics::nccl
