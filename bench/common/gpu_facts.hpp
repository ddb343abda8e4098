#pragma once

#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl.hpp>

#include "gpu_rank.hpp"

/// What a reader must know of the GPUs to judge a measurement, by name.
inline std::vector<std::pair<std::string, std::string>> gpu_facts(const gpu_rank& here) {
  cudaDeviceProp facts{};
  mics::nccl::check(cudaGetDeviceProperties(&facts, here.device()), "cudaGetDeviceProperties");
  int devices = 0, driver = 0, version = 0;
  mics::nccl::check(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
  mics::nccl::check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  mics::nccl::check(ncclGetVersion(&version), "ncclGetVersion");
  const auto dotted = [](int major, int minor) { return std::to_string(major) + "." + std::to_string(minor); };
  return {{"gpu", facts.name},
          {"gpus", std::to_string(devices) + " on this host, for " + std::to_string(here.world().size()) + " ranks"},
          {"driver_cuda", dotted(driver / 1000, driver % 1000 / 10)},
          {"nccl", dotted(version / 10000, version / 100 % 100) + "." + std::to_string(version % 100)}};
}
