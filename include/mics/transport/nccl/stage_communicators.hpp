#pragma once

#include <array>
#include <cstddef>
#include <string>

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <mics/shape.hpp>
#include <mics/transport/nccl/result.hpp>

namespace mics::nccl {

/// The communicators that the stages of a hierarchical operation run in.
enum class stage {
  whole,         ///< the group itself
  rail,          ///< between nodes
  node,          ///< inside a node
  windows,       ///< inside a node too, for registered memory: ranks reach each other's buffers
  copy_engines,  ///< likewise, without taking a multiprocessor from computation
};

/// Has this build of NCCL collectives that need no multiprocessor (2.28)?
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 28, 0)
inline constexpr bool has_copy_engines = true;
#else
inline constexpr bool has_copy_engines = false;
#endif

/// The communicators of one group's stages, split off at their first use. Registered memory has communicators of its
/// own, for in those where it is registered NCCL uses it whatever the call.
class stage_communicators {
 public:
  /// The communicator of a stage; null until it has been made.
  [[nodiscard]] ncclComm_t get(stage s) const noexcept { return made_[index(s)]; }

  /// Begins to split off a stage. Collective over the group. Inside a group of NCCL calls it is there after its end.
  void make(stage s, ncclComm_t whole, const group_shape& shape) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.splitShare = 0;
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 28, 0)
    if (s == stage::copy_engines) config.CTAPolicy = NCCL_CTA_POLICY_ZERO;
#endif
    const bool rail = s == stage::rail;
    const int colour = rail ? shape.local_rank() : shape.node();
    const int key = rail ? shape.node() : shape.local_rank();
    check(ncclCommSplit(whole, colour, key, &made_[index(s)], &config), "ncclCommSplit", whole);
  }

  [[nodiscard]] int count() const noexcept {
    int made = 0;
    for (ncclComm_t comm : made_) made += comm != nullptr ? 1 : 0;
    return made;
  }

  /// Calls f(communicator) for each that exists.
  template <class F> void for_each(F f) const {
    for (ncclComm_t comm : made_) {
      if (comm != nullptr) f(comm);
    }
  }

  /// Calls f(communicator) for each that exists, and forgets them.
  template <class F> void release(F f) {
    for (ncclComm_t& comm : made_) {
      if (comm != nullptr) f(comm);
      comm = nullptr;
    }
  }

 private:
  static constexpr std::size_t index(stage s) noexcept { return static_cast<std::size_t>(s); }

  std::array<ncclComm_t, 5> made_{};
};

}  // namespace mics::nccl
