#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <mics/model/machine.hpp>

/// The machines that the model knows. What was published for one machine and carried over to another says so.
namespace mics::model {

namespace detail {

inline constant measured(double value, const char* source) { return {value, provenance::measured, source}; }
inline constant published(double value, const char* source) { return {value, provenance::published, source}; }
inline constant assumed(double value, const char* source) { return {value, provenance::assumed, source}; }
inline constant fitted(double value, const char* source) { return {value, provenance::fitted, source}; }

/// 8 A100 with NVSwitch and 4 x 100 Gbit/s EFA.
inline machine p4d() {
  const char* data_sheet = "NVIDIA A100 data sheet";
  const char* fit = "bench/results/calibration.json, four published p4d figures";
  return {.name = "p4d",
          .node_size = 8,
          .memory_bytes = published(40e9, data_sheet),
          .memory_bytes_per_s = published(1.555e12, data_sheet),
          .peak_flops = published(312e12, data_sheet),
          .compute_share = fitted(0.5559, fit),
          .fast_bytes_per_s = measured(230.8e9, "all-reduce busbw in one node, NVIDIA/nccl issue 527"),
          .fast_latency_s = assumed(3.4e-6, "NCCL's step on NVLink, Simple protocol (tuning model, A100)"),
          .slow_bytes_per_s = measured(31e9, "29.6 GB/s all-reduce busbw on 4 nodes, less ring steps, NVIDIA/nccl 527"),
          .slow_latency_s = fitted(36.9e-6, fit),
          .slow_knee_nodes = measured(4, "largest ring of NVIDIA/nccl issue 527"),
          .slow_falloff = fitted(0.3448, fit),
          .copy_bytes_per_s = assumed(0.62e12, "80 % of half the memory rate"),
          .copy_latency_s = assumed(3e-6, "launch of a small kernel")};
}

/// p4d with 80 GB a GPU.
inline machine p4de() {
  machine self = p4d();
  self.name = "p4de";
  self.memory_bytes = published(80e9, "NVIDIA A100 data sheet");
  self.memory_bytes_per_s = published(2.039e12, "NVIDIA A100 data sheet");
  self.copy_bytes_per_s = assumed(0.8e12, "80 % of half the memory rate");
  return self;
}

/// 8 V100-32GB with NVLink and 100 Gbit/s EFA.
inline machine p3dn() {
  const char* data_sheet = "NVIDIA V100 data sheet";
  machine self = p4d();
  self.name = "p3dn";
  self.memory_bytes = published(32e9, data_sheet);
  self.memory_bytes_per_s = published(0.9e12, data_sheet);
  self.peak_flops = published(125e12, data_sheet);
  self.compute_share = assumed(0.5559, "the fit of p4d, carried over");
  self.fast_bytes_per_s = assumed(120e9, "6 NVLink lanes of 25 GB/s, 80 % of them");
  self.fast_latency_s = assumed(6.7e-6, "twice A100's");
  self.slow_bytes_per_s = measured(10e9, "2 nodes, NVIDIA/nccl issue 235");
  self.slow_latency_s = assumed(36.9e-6, "the fit of p4d, carried over");
  self.slow_knee_nodes = measured(2, "NVIDIA/nccl issue 235");
  self.slow_falloff = measured(0.17, "10 GB/s on 2 nodes to 8-6 GB/s on 8-32, NVIDIA/nccl issue 235");
  self.copy_bytes_per_s = assumed(0.36e12, "80 % of half the memory rate");
  return self;
}

/// DGX H100: 8 H100 with NVSwitch and 8 x 400 Gbit/s InfiniBand.
inline machine dgx_h100() {
  const char* data_sheet = "NVIDIA H100 SXM data sheet";
  machine self = p4d();
  self.name = "dgx_h100";
  self.memory_bytes = published(80e9, data_sheet);
  self.memory_bytes_per_s = published(3.35e12, data_sheet);
  self.peak_flops = published(989e12, data_sheet);
  self.compute_share = assumed(0.5, "below A100's share: the peak grew faster than memory");
  self.fast_bytes_per_s = assumed(346e9, "450 GB/s NVLink 4, 77 % of it as on A100");
  self.slow_bytes_per_s = assumed(320e9, "8 x 400 Gbit/s, 80 % of it");
  self.slow_latency_s = assumed(14e-6, "NCCL's step over a network, Simple protocol (tuning model)");
  self.slow_falloff = assumed(0.1, "a fat tree without oversubscription");
  self.copy_bytes_per_s = assumed(1.3e12, "80 % of half the memory rate");
  return self;
}

/// 8 H100 with NVSwitch and 3200 Gbit/s EFA.
inline machine p5() {
  machine self = dgx_h100();
  self.name = "p5";
  self.slow_bytes_per_s = assumed(248e9, "3200 Gbit/s, 62 % of it as on p4d");
  self.slow_latency_s = assumed(36.9e-6, "the fit of p4d, carried over");
  self.slow_falloff = assumed(0.3448, "the fit of p4d, carried over");
  return self;
}

/// p5 with H200: 141 GB a GPU.
inline machine p5e() {
  machine self = p5();
  self.name = "p5e";
  self.memory_bytes = published(141e9, "NVIDIA H200 data sheet");
  self.memory_bytes_per_s = published(4.8e12, "NVIDIA H200 data sheet");
  self.copy_bytes_per_s = assumed(1.9e12, "80 % of half the memory rate");
  return self;
}

/// 8 A100-80GB a node behind one 100 Gbit/s Ethernet port.
inline machine ethernet_100g() {
  machine self = p4de();
  self.name = "ethernet_100g";
  self.slow_bytes_per_s = assumed(11e9, "100 Gbit/s, 88 % of it");
  self.slow_latency_s = assumed(40e-6, "TCP through the kernel");
  return self;
}

/// The host lab: network namespaces of 4 ranks on two cores, 1 Gbit/s a node.
inline machine host_lab() {
  machine self = p4d();
  self.name = "host_lab";
  self.node_size = 4;
  self.memory_bytes = assumed(1e9, "a share of the host");
  self.memory_bytes_per_s = assumed(5e9, "a share of the host's memory rate");
  self.peak_flops = assumed(20e9, "a share of two cores");
  self.compute_share = assumed(0.5, "not measured");
  self.fast_bytes_per_s = measured(4.1e9, "all-gather of 16 MiB by 8 ranks in one host, 3.56 ms");
  self.fast_latency_s = measured(0.8e-6, "all-gather of 8-byte blocks by 8 ranks in one host, 5.5 us");
  self.slow_bytes_per_s = measured(119.5e6, "tc tbf at 1 Gbit/s, goodput 0.956");
  self.slow_latency_s = measured(39e-6, "all-gather of 1 KiB on 2 x 4 ranks");
  self.slow_falloff = measured(0, "same time/limit on 2 and 4 nodes");
  self.copy_bytes_per_s = assumed(5e9, "one core");
  self.copy_latency_s = assumed(0.2e-6, "a function call");
  return self;
}

/// The GPU lab: 2 H100 that act as nodes of 2 GPUs behind 10 Gbit/s.
inline machine gpu_lab() {
  machine self = dgx_h100();
  self.name = "gpu_lab";
  self.node_size = 2;
  self.fast_bytes_per_s = measured(292e9, "ncclAllGather of 1 GiB by 2 ranks, plain memory");
  self.fast_latency_s = measured(16.5e-6, "ncclAllGather of 1 MiB by 2 ranks, 28.6 GB/s in, less its bytes");
  self.slow_bytes_per_s = measured(1.23e9, "hierarchical all-gather of 256 MiB on 2 x 2, 109 ms at 10 Gbit/s");
  self.slow_latency_s =
      measured(55e-6, "hierarchical all-gather of 64 KiB on 2 x 2, 100 us, less its bytes and node stage");
  self.slow_falloff = measured(0, "same rate on 2 and 4 nodes");
  return self;
}

}  // namespace detail

/// Every machine, by name.
inline const std::vector<machine>& machines() {
  static const std::vector<machine> known{
      detail::p3dn(),     detail::p4d(),           detail::p4de(),     detail::p5(),     detail::p5e(),
      detail::dgx_h100(), detail::ethernet_100g(), detail::host_lab(), detail::gpu_lab()};
  return known;
}

/// The machine of that name. Throws usage_error, which lists the names.
inline const machine& machine_named(std::string_view name) {
  std::string names;
  for (const machine& candidate : machines()) {
    if (candidate.name == name) return candidate;
    names += (names.empty() ? "" : ", ") + candidate.name;
  }
  throw usage_error("machine '" + std::string(name) + "' is not known; known are " + names);
}

}  // namespace mics::model
