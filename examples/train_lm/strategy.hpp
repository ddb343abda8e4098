#pragma once

#include <string>
#include <vector>

#include <mics/options.hpp>

#include "settings.hpp"

namespace train_lm {

/// A way to spread the model state over the ranks. All of them run the same trainer: only p and the algorithms differ.
struct strategy {
  std::string name;
  std::string what;       ///< what it does, for people
  int partition_size;     ///< p: 1 keeps everything everywhere, N keeps one replica in the whole world
  mics::algorithm hop_1;  ///< inside the partition group: gather of parameters, reduce-scatter of gradients
  mics::algorithm hop_2;  ///< between replicas, once a step
  bool alone = false;     ///< every rank trains for itself, all at once
  int micro_steps = 0;    ///< 0: as the settings say
};

/// The computing of a step, without communication.
inline strategy computing_alone(int micro_steps) {
  constexpr auto none = mics::algorithm::automatic;
  return {"alone", "every rank for itself", 1, none, none, true, micro_steps};
}

/// MiCS as asked for, MiCS over all nodes where that is something else, ZeRO-3 and plain data parallelism.
inline std::vector<strategy> strategies(const settings& s) {
  constexpr auto chosen = mics::algorithm::automatic;
  // NCCL brings its own flat algorithms; over threads a ring is what it would do.
  const auto flat = s.transport == "nccl" ? mics::algorithm::native : mics::algorithm::ring;
  const std::string flatly = s.transport == "nccl" ? "NCCL's own collectives" : "a flat ring";
  const int world = s.world_size();
  std::vector<strategy> all;
  all.push_back({"MiCS", "gather and reduce-scatter in partition groups, all-reduce between them once a step",
                 s.partition_size(), chosen, chosen});
  if (s.nodes > 1 && s.partition_size() < world) {
    all.push_back(
        {"MiCS over all nodes", "one replica; hierarchical, so each byte enters a node once", world, chosen, chosen});
  }
  all.push_back({"ZeRO-3", "one replica; " + flatly + " over all ranks", world, flat, flat});
  all.push_back({"data parallel",
                 "a replica a rank; all-reduce of all gradients once a step, " + flatly + " over all ranks", 1, chosen,
                 flat});
  return all;
}

}  // namespace train_lm
