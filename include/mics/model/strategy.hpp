#pragma once

#include <string>
#include <string_view>

#include <mics/error.hpp>

namespace mics::model {

/// When gradients cross the partition groups.
enum class second_hop { at_the_boundary, every_micro_step };

/// How a trainer shards its states and orders its communication.
struct strategy {
  std::string_view name = "mics";
  int partition_size = 0;  ///< p; 0: the whole world
  bool hierarchical = true;
  bool pipelined = false;
  bool coalesced = true;          ///< one call a layer; false: one a weight matrix
  bool overlaps = true;           ///< false: compute waits for every call
  int prefetch = 2;               ///< layers gathered ahead
  bool shards_parameters = true;  ///< false: whole parameters on every rank, gathered once a step
  second_hop hop2 = second_hop::at_the_boundary;
};

/// MiCS: states in partition groups of p, hierarchical collectives, two-hop gradient synchronization.
inline strategy mics_strategy(int p) { return {.partition_size = p}; }

/// ZeRO-3 as the authors tuned it: over all ranks, coalesced, prefetching, in flat rings.
inline strategy zero3() { return {.name = "zero3", .hierarchical = false}; }

/// ZeRO-3 as DeepSpeed 0.5.6 had it: one call a weight matrix, nothing overlaps.
inline strategy zero3_deepspeed() {
  return {.name = "zero3_deepspeed", .hierarchical = false, .coalesced = false, .overlaps = false, .prefetch = 0};
}

/// ZeRO-2: gradients and optimizer states sharded over all ranks, parameters whole.
inline strategy zero2() { return {.name = "zero2", .hierarchical = false, .shards_parameters = false}; }

/// Plain data parallelism: p = 1, gradients accumulated, one all-reduce at the boundary.
inline strategy data_parallel() { return {.name = "data_parallel", .partition_size = 1}; }

/// Hybrid sharding whose all-reduce over the replicas runs at every micro-step.
inline strategy hsdp(int p) {
  return {.name = "hsdp", .partition_size = p, .hierarchical = false, .hop2 = second_hop::every_micro_step};
}

/// The strategy of that name; p counts for mics and hsdp only. Throws usage_error, which lists the names.
inline strategy strategy_named(std::string_view name, int p) {
  for (const strategy& known : {mics_strategy(p), zero3(), zero3_deepspeed(), zero2(), data_parallel(), hsdp(p)}) {
    if (known.name == name) return known;
  }
  throw usage_error("strategy '" + std::string(name) +
                    "' is not known; known are mics, zero3, zero3_deepspeed, zero2, data_parallel, hsdp");
}

}  // namespace mics::model
