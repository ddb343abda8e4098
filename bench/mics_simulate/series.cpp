#include "series.hpp"

#include <cstdio>
#include <functional>
#include <map>

#include <mics/model/collective_time.hpp>
#include <mics/model/machines.hpp>
#include <mics/model/two_hop.hpp>

#include "runs.hpp"

namespace simulate {
namespace {

namespace model = mics::model;

/// TFLOPS of the whole cluster; linear: that of MiCS on 128 GPUs, scaled.
void weak_scaling(const calibration& c) {
  std::printf("gpus\tlinear\tmics\tzero3_tuned\tzero3_deepspeed\n");
  const double one = step_of(c, "p4d", "100b", 128, mics_of(c, "100b")).tflops();
  for (int gpus = 128; gpus <= 1024; gpus += 128) {
    std::printf("%d\t%g", gpus, one * gpus);
    for (const auto& how : {mics_of(c, "100b"), model::zero3(), model::zero3_deepspeed()}) {
      std::printf("\t%g", gpus * step_of(c, "p4d", "100b", gpus, how).tflops());
    }
    std::printf("\n");
  }
}

/// TFLOPS a GPU of the 30B model on 256 p4d GPUs.
void partition(const calibration& c) {
  std::printf("p\thierarchical\tpipelined\tflat\n");
  for (int p = 16; p <= 256; p *= 2) {
    model::strategy how = model::mics_strategy(p);
    std::printf("%d\t%g", p, step_of(c, "p4d", "30b", 256, how).tflops());
    how.pipelined = true;
    std::printf("\t%g", step_of(c, "p4d", "30b", 256, how).tflops());
    how.hierarchical = false;
    std::printf("\t%g\n", step_of(c, "p4d", "30b", 256, how).tflops());
  }
}

/// How many times faster the pipelined hierarchical all-gather is than the flat ring, against M, for p on p4d.
/// The calibrated ring step counts on each of the ring's p-1 hops; "least" counts it on the n-1 that cross the network,
/// the others as inside a node. The figures cannot tell which is right.
void hierarchical(const calibration& c) {
  const model::machine on = c.machine("p4d");
  std::printf("bytes\tp16\tp64\tp512\tp16_least\tp64_least\tp512_least\n");
  for (double bytes = 1 << 20; bytes <= 8.0 * (1 << 30); bytes *= 2) {
    std::printf("%g", bytes);
    for (const bool least : {false, true}) {
      for (const int p : {16, 64, 512}) {
        const auto group = model::partition_span(p, on.node_size);
        auto flat = model::gather_time(on, group, bytes, {.hierarchical = false});
        if (least) flat.latency_s -= (p - group.nodes) * (on.slow_latency_s - on.fast_latency_s);
        std::printf("\t%g", flat.total() / model::gather_time(on, group, bytes, {.pipelined = true}).total());
      }
    }
    std::printf("\n");
  }
}

/// 20 GB of gradients on 64 GPUs, p = k = 8, 120 GB/s in the node, 8 GB/s a node; closed form.
void two_hop(const calibration&) {
  std::printf("micro_steps\tgain\n");
  for (int s = 1; s <= 32; ++s) {
    const model::two_hop_case step{.bytes = 20e9,
                                   .world_size = 64,
                                   .partition_size = 8,
                                   .micro_steps = static_cast<double>(s),
                                   .partition_bytes_per_s = 120e9,
                                   .replication_bytes_per_s = 8e9 / 8};
    std::printf("%d\t%g\n", s, model::two_hop_gain(step, 8e9));
  }
}

/// TFLOPS a GPU of a 1T-parameter model on p5e, p = 400, 4 micro-steps of 2 sequences; also with 2 % jitter.
void large(const calibration&) {
  const auto layers =
      model::layers_of({.layers = 128, .hidden = 25600, .vocabulary = 51200, .sequence = 2048, .sequences = 2});
  std::printf("gpus\tmics\tmics_jitter\tzero3\tzero3_jitter\n");
  for (const int gpus : {1200, 2000, 4000, 8000, 20000, 40000, 100000}) {
    std::printf("%d", gpus);
    for (const auto& how : {model::mics_strategy(400), model::zero3()}) {
      for (const double jitter : {0.0, 0.02}) {
        const model::job job{.on = model::machine_named("p5e"),
                             .layers = layers,
                             .world_size = gpus,
                             .micro_steps = 4,
                             .how = how,
                             .spread = {.jitter = jitter}};
        std::printf("\t%g", model::simulate(job).tflops());
      }
    }
    std::printf("\n");
  }
}

const std::map<std::string, std::function<void(const calibration&)>>& all_series() {
  static const std::map<std::string, std::function<void(const calibration&)>> known{{"weak_scaling", weak_scaling},
                                                                                    {"partition", partition},
                                                                                    {"hierarchical", hierarchical},
                                                                                    {"two_hop", two_hop},
                                                                                    {"large", large}};
  return known;
}

}  // namespace

std::set<std::string> series_names() {
  std::set<std::string> names;
  for (const auto& each : all_series()) names.insert(each.first);
  return names;
}

void print_series(const std::string& name, const calibration& constants) { all_series().at(name)(constants); }

}  // namespace simulate
