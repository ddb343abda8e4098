#include "figures.hpp"

#include <cmath>
#include <utility>

#include "runs.hpp"

namespace simulate {
namespace {

namespace model = mics::model;
using constants = calibration;

constexpr const char* aws_blog = "AWS blog on MiCS";
constexpr const char* aws_ml_blog = "AWS ML blog, 2022-10-31";

double scaling(const constants& c, const std::string& machine, const std::string& what, int small, int large,
               const model::strategy& how) {
  return 100 * model::weak_scaling(step_of(c, machine, what, small, how), step_of(c, machine, what, large, how));
}

figure predicted(std::string name, std::string unit, double published, std::string source, double lowest,
                 double highest, std::function<double(const constants&)> simulate) {
  figure self;
  self.name = std::move(name);
  self.unit = std::move(unit);
  self.published = published;
  self.source = std::move(source);
  self.in_points = self.unit == "%";
  self.lowest = lowest;
  self.highest = highest;
  self.simulate = std::move(simulate);
  return self;
}

figure fitted(figure self, std::vector<std::string> to, double band) {
  self.constants = std::move(to);
  self.fitted_band = band;
  return self;
}

figure with_remark(figure self, std::string remark) {
  self.remark = std::move(remark);
  return self;
}

void add_p4d(std::vector<figure>& all) {
  all.push_back(
      fitted(predicted("100B MiCS, 512 p4d GPUs", "TFLOPS", 170, aws_blog, 170 * 0.95, 170 * 1.05,
                       [](const constants& c) { return step_of(c, "p4d", "100b", 512, mics_of(c, "100b")).tflops(); }),
             shared_constants(), 3));
  all.push_back(
      with_remark(predicted("100B MiCS, weak scaling 128 -> 512", "%", 99.4, aws_blog, 98.4, 100.4,
                            [](const constants& c) { return scaling(c, "p4d", "100b", 128, 512, mics_of(c, "100b")); }),
                  "4 micro-steps; what is lost is hop 2"));
  all.push_back(fitted(
      predicted("100B ZeRO-3, 512 p4d GPUs", "TFLOPS", 62, aws_blog, 62 * 0.9, 62 * 1.1,
                [](const constants& c) { return step_of(c, "p4d", "100b", 512, model::zero3_deepspeed()).tflops(); }),
      shared_constants(), 5));
  all.push_back(fitted(
      predicted("100B ZeRO-3, weak scaling 128 -> 512", "%", 72, aws_blog, 67, 77,
                [](const constants& c) { return scaling(c, "p4d", "100b", 128, 512, model::zero3_deepspeed()); }),
      shared_constants(), 4));
  all.push_back(
      predicted("175B MiCS, 128 p4de GPUs", "TFLOPS", 169, aws_blog, 169 * 0.95, 169 * 1.05,
                [](const constants& c) { return step_of(c, "p4de", "175b", 128, mics_of(c, "175b")).tflops(); }));
  all.push_back(fitted(
      predicted("BloombergGPT 50.6B, 512 p4d GPUs", "s", 32.5, "the BloombergGPT paper", 32.5 * 0.9, 32.5 * 1.1,
                [](const constants& c) { return step_of(c, "p4d", "bloomberg", 512, mics_of(c, "bloomberg")).step_s; }),
      shared_constants(), 5));
}

void add_30b(std::vector<figure>& all) {
  all.push_back(with_remark(
      fitted(predicted("30B MiCS, 256 p4d GPUs", "TFLOPS", 141, aws_ml_blog, 141 * 0.8, 141 * 1.2,
                       [](const constants& c) { return step_of(c, "p4d", "30b", 256, mics_of(c, "30b")).tflops(); }),
             {"30b.compute_share"}, 3),
      "own constant"));
  all.push_back(
      with_remark(predicted("30B, MiCS over ZeRO-3", "x", 1.397, aws_ml_blog, 1.2, 1.6,
                            [](const constants& c) {
                              return step_of(c, "p4d", "30b", 256, model::zero3()).step_s /
                                     step_of(c, "p4d", "30b", 256, mics_of(c, "30b")).step_s;
                            }),
                  "ZeRO-3 coalesced, prefetching; 3 sequences a micro-step assumed, 2 give 1.79 and 4 give 1.04"));
}

void add_p3dn(std::vector<figure>& all) {
  all.push_back(with_remark(fitted(predicted("BERT 10B, 128 p3dn GPUs, MiCS over ZeRO-3", "x", 2.82, aws_blog, 2.2, 4.0,
                                             [](const constants& c) {
                                               return step_of(c, "p3dn", "bert", 128, model::zero3_deepspeed()).step_s /
                                                      step_of(c, "p3dn", "bert", 128, mics_of(c, "bert")).step_s;
                                             }),
                                   {"bert.slow_latency_s"}, 5),
                            "own constant; ZeRO-3 as in DeepSpeed 0.5.6"));
  all.push_back(predicted("BERT, MiCS scaling over ZeRO-3 scaling", "x", 1.27, "VLDB 2023 abstract", 1.1, 1.4,
                          [](const constants& c) {
                            return scaling(c, "p3dn", "bert", 16, 128, mics_of(c, "bert")) /
                                   scaling(c, "p3dn", "bert", 16, 128, model::zero3_deepspeed());
                          }));
}

void add_deferral(std::vector<figure>& all) {
  const char* source = "NVIDIA/cosmos-framework issue 161";
  const auto step = [](int micro_steps) {
    return [micro_steps](const constants& c) {
      return step_of(c, "ethernet_100g", "deferral", 16, model::hsdp(c.count("deferral.partition_size")), micro_steps)
          .step_s;
    };
  };
  all.push_back(with_remark(fitted(predicted("all-reduce a micro-step, 2 x 8 A100, Ethernet, 1 micro-step", "s", 110.2,
                                             source, 0, 0, step(1)),
                                   {"deferral.slow_bytes_per_s"}, 5),
                            "own constant: model and network are unknown"));
  all.push_back(predicted("the same, 4 micro-steps", "s", 430.6, source, 430.6 * 0.9, 430.6 * 1.1, step(4)));
}

figure input(figure self) {
  self.is_input = true;
  return self;
}

void add_bus_bandwidth(std::vector<figure>& all) {
  const char* p4d = "NVIDIA/nccl issue 527";
  const char* p3dn = "NVIDIA/nccl issue 235";
  const auto busbw = [](const std::string& machine, int nodes, double published, const char* source, double band) {
    return predicted(machine + " all-reduce busbw, " + std::to_string(nodes) + (nodes > 1 ? " nodes" : " node"), "GB/s",
                     published, source, published * (1 - band), published * (1 + band),
                     [machine, nodes](const constants& c) { return all_reduce_busbw(c, machine, nodes); });
  };
  figure two_nodes = busbw("p4d", 2, 57.2, p4d, 0);
  two_nodes.highest = 0;  // no band
  all.push_back(input(busbw("p4d", 1, 230.8, p4d, 0.05)));
  all.push_back(with_remark(two_nodes, "fails: exceeds the NIC, NCCL's tree is not modelled"));
  all.push_back(busbw("p4d", 3, 31.8, p4d, 0.1));
  all.push_back(input(busbw("p4d", 4, 29.6, p4d, 0.05)));
  all.push_back(input(busbw("p3dn", 2, 10, p3dn, 0.05)));
  all.push_back(with_remark(input(busbw("p3dn", 16, 7, p3dn, 1.0 / 7)), "published: 6-8 on 8-32 nodes"));
}

}  // namespace

const std::vector<std::string>& shared_constants() {
  static const std::vector<std::string> names{"p4d.compute_share", "p4d.slow_falloff", "p4d.slow_latency_s"};
  return names;
}

bool figure::within_band(double simulated, bool as_fitted) const noexcept {
  if (as_fitted && fitted_band > 0) return std::abs(error_of(simulated)) <= fitted_band;
  return highest <= 0 || (simulated >= lowest && simulated <= highest);
}

std::vector<figure> figures() {
  std::vector<figure> all;
  add_p4d(all);
  add_30b(all);
  add_p3dn(all);
  add_deferral(all);
  add_bus_bandwidth(all);
  return all;
}

}  // namespace simulate
