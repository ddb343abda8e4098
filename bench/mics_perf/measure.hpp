#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <mics/error.hpp>

#include "baseline.hpp"
#include "check.hpp"
#include "contender.hpp"
#include "interleave.hpp"
#include "launcher.hpp"
#include "options.hpp"
#include "station.hpp"
#include "variants.hpp"

namespace perf {

/// One rank's part in the whole program: its memory, and the steps of a measurement in the order in which all ranks
/// take them. Nothing here depends on the transport.
template <launcher Launcher, station Station> class bench {
 public:
  bench(Launcher& started, Station& here, const options& chosen, std::size_t bytes, baseline* plain)
      : launcher_(started),
        here_(here),
        chosen_(chosen),
        first_(here.make_memory(bytes)),
        second_(here.make_memory(bytes)),
        plain_(plain) {}

  /// All ways to do `one` that exist: every algorithm that applies, both forms, then the baselines.
  [[nodiscard]] std::vector<contender> contenders(exchange one, std::vector<std::string>& refused) {
    std::vector<contender> all;
    one.rank = here_.group().rank();
    for (const auto& [name, how] : chosen_.variants) {
      for (const bool in_place : forms(one.op)) {
        one.in_place = in_place;
        try {
          all.push_back(form_of(one, variant(name, how)));
        } catch (const mics::usage_error& reason) {
          if (refused.empty() || refused.back() != reason.what()) refused.emplace_back(reason.what());
        }
      }
    }
    if constexpr (Launcher::shared_memory) {
      if (plain_ != nullptr) add_baselines(one, all);
    }
    return all;
  }

  /// Runs it once on known data. Counts wrong elements of all ranks, and the bytes into the busiest node.
  void check(contender& one, std::uint64_t seed) {
    const exchange seen = here_.host_view(one.call);
    prepare(seen, seed);
    here_.upload(seen, one.call);
    here_.align();
    if (here_.rank() == 0) launcher_.reset_traffic();
    here_.align();
    one.work();
    here_.finish();
    here_.align();
    if (here_.rank() == 0) one.node_in = launcher_.into_busiest_node(one.call.op);
    here_.download(one.call, seen);
    if (chosen_.corrupt && here_.rank() == chosen_.world_size() - 1) corrupt(seen);
    std::vector<std::int64_t> wrong{static_cast<std::int64_t>(wrong_elements(seen, seed))};
    here_.fold_numbers(wrong, fold::sum);
    one.wrong = one.wrong.value_or(0) + static_cast<std::uint64_t>(wrong[0]);
  }

  /// Microseconds of each contender. Reductions run on zeros, which stay zeros however often they are reduced in place.
  [[nodiscard]] std::vector<double> time(const std::vector<contender>& all) {
    const exchange& any = all.front().call;
    if (any.reduces()) {
      here_.zero(first_.span(any.bytes()));
      here_.zero(second_.span(any.bytes()));
    }
    std::vector<std::function<void()>> calls;
    for (const contender& one : all) calls.push_back(one.work);
    const int repeats = chosen_.repeats > 0 ? chosen_.repeats : repeats_for(any.bytes());
    return interleave(here_, calls, {chosen_.warmup, chosen_.iterations, repeats, chosen_.budget},
                      Launcher::shared_clock);
  }

 private:
  static std::vector<bool> forms(mics::operation op) {
    return op == mics::operation::broadcast ? std::vector<bool>{true} : std::vector<bool>{false, true};
  }

  /// One algorithm in one form; throws usage_error when it cannot serve the call.
  [[nodiscard]] contender form_of(const exchange& one, const variant& asked) {
    const exchange call = placed(one, first_, second_);
    if (asked.first == "nccl" || asked.first == "peer") {
      return {asked.first, asked.first, call, here_.library_below(call)};
    }
    const mics::collective_options how = options_of(asked, call.op, chosen_);
    return {asked.first, plan_name(here_.group(), call, how), call, [this, call, how] { here_.start(call, how); }};
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
  Station& here_;
  const options& chosen_;
  typename Station::memory_type first_;
  typename Station::memory_type second_;
  baseline* plain_;
};

}  // namespace perf
