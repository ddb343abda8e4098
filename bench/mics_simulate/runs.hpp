#pragma once

#include <string>

#include <mics/model/simulator.hpp>

#include "calibration.hpp"

namespace simulate {

/// One step of a model of the calibration ("100b", "bert", ...), which also says its micro-steps and p.
inline mics::model::step_report step_of(const calibration& constants, const std::string& machine,
                                        const std::string& model, int gpus, mics::model::strategy how,
                                        int micro_steps = 0) {
  const mics::model::job job{.on = constants.machine(machine, model),
                             .layers = mics::model::layers_of(constants.transformer(model)),
                             .world_size = gpus,
                             .micro_steps = micro_steps > 0 ? micro_steps : constants.count(model + ".micro_steps"),
                             .how = how};
  return mics::model::simulate(job);
}

inline mics::model::strategy mics_of(const calibration& constants, const std::string& model) {
  return mics::model::mics_strategy(constants.count(model + ".partition_size"));
}

/// all-reduce busbw in GB/s of a flat ring over so many nodes, 1 GiB.
inline double all_reduce_busbw(const calibration& constants, const std::string& machine, int nodes) {
  const mics::model::machine on = constants.machine(machine);
  const double bytes = 1ULL << 30;
  const int ranks = nodes * on.node_size;
  const auto time = mics::model::all_reduce_time(on, {ranks, nodes, true}, bytes, 1);
  return 2.0 * (ranks - 1) / ranks * bytes / time.total() * 1e-9;
}

}  // namespace simulate
