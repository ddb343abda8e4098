#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <mics/mics.hpp>

#include "baseline.hpp"
#include "check.hpp"
#include "contender.hpp"
#include "interleave.hpp"
#include "launcher.hpp"
#include "names.hpp"
#include "options.hpp"

namespace perf {

/// One rank's part in the whole program: its group, its memory, and the steps of a measurement in the order in which
/// all ranks take them. Nothing here depends on the transport.
template <launcher Launcher, class World, class Group> class bench {
 public:
  bench(Launcher& started, World& world, Group group, const options& chosen, std::size_t bytes, baseline* plain)
      : launcher_(started),
        world_(world),
        group_(group),
        chosen_(chosen),
        first_(bytes),
        second_(bytes),
        plain_(plain) {}

  /// All ways to do `one` that exist: every algorithm that applies, both forms, then the baselines.
  [[nodiscard]] std::vector<contender> contenders(exchange one, std::vector<std::string>& refused) {
    std::vector<contender> all;
    one.rank = group_.rank();
    for (const auto& [name, how] : chosen_.variants) {
      mics::collective_options asked;
      asked.how = name == "flat" ? flat_algorithm(one.op) : how;
      std::string plan;
      try {
        plan = mics::name_of(mics::plan_for(group_, one.op, one.bytes(), asked.how).how());
      } catch (const mics::usage_error& reason) {
        refused.emplace_back(reason.what());
        continue;
      }
      for (const bool in_place : forms(one.op)) {
        one.in_place = in_place;
        const exchange call = placed(one, first_, second_);
        all.push_back({name, plan, call, [this, call, asked] { collective(group_, call, asked); }});
      }
    }
    if (plain_ != nullptr) add_baselines(one, all);
    return all;
  }

  /// Runs it once on known data. Counts wrong elements of all ranks, and the bytes into the busiest node.
  void check(contender& one, std::uint64_t seed) {
    prepare(one.call, seed);
    mics::barrier(world_);
    if (world_.rank() == 0) launcher_.reset_traffic();
    mics::barrier(world_);
    one.work();
    mics::barrier(world_);
    if (world_.rank() == 0) one.node_in = launcher_.into_busiest_node(one.call.op);
    if (chosen_.corrupt && world_.rank() == world_.size() - 1) corrupt(one.call);
    std::vector<std::uint64_t> wrong{wrong_elements(one.call, seed)};
    mics::all_reduce(world_, wrong, wrong, mics::reduction::sum);
    one.wrong = one.wrong.value_or(0) + wrong[0];
  }

  /// Microseconds of each contender. Reductions run on zeros, which stay zeros however often they are reduced in place.
  [[nodiscard]] std::vector<double> time(const std::vector<contender>& all) {
    const exchange& any = all.front().call;
    if (any.reduces()) {
      std::memset(first_.span(any.bytes()).data(), 0, any.bytes());
      std::memset(second_.span(any.bytes()).data(), 0, any.bytes());
    }
    std::vector<std::function<void()>> calls;
    for (const contender& one : all) calls.push_back(one.work);
    return interleave(world_, calls, {chosen_.warmup, chosen_.iterations, repeats_for(any.bytes())},
                      Launcher::shared_clock);
  }

 private:
  static std::vector<bool> forms(mics::operation op) {
    return op == mics::operation::broadcast ? std::vector<bool>{true} : std::vector<bool>{false, true};
  }

  void add_baselines(exchange one, std::vector<contender>& all) {
    for (const bool in_place : forms(one.op)) {
      one.in_place = in_place;
      all.push_back({"memcpy", "", one, plain_->copy(one, first_, second_), false});
    }
    one.in_place = false;
    for (auto& barrier : plain_->barriers()) all.push_back({"barrier", "", one, barrier, false});
  }

  Launcher& launcher_;
  World& world_;
  Group group_;
  const options& chosen_;
  memory first_;
  memory second_;
  baseline* plain_;
};

}  // namespace perf
