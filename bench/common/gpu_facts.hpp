#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/transport/nccl.hpp>

#include "gpu_rank.hpp"

/// How many GPUs the ranks have among them: where these play more nodes than there are, ranks share them. Collective.
inline std::size_t gpus_in_use(gpu_rank& here, const cudaUUID_t& own) {
  std::set<std::array<std::byte, sizeof own.bytes>> different;
  for (const auto& other : here.session().all_gather(std::as_bytes(std::span(own.bytes)))) {
    std::array<std::byte, sizeof own.bytes> name{};
    std::memcpy(name.data(), other.data(), name.size());
    different.insert(name);
  }
  return different.size();
}

/// What a reader must know of the GPUs to judge a measurement, by name. Collective.
inline std::vector<std::pair<std::string, std::string>> gpu_facts(gpu_rank& here) {
  cudaDeviceProp facts{};
  mics::nccl::check(cudaGetDeviceProperties(&facts, here.device()), "cudaGetDeviceProperties");
  const std::size_t devices = gpus_in_use(here, facts.uuid);
  int driver = 0, version = 0;
  mics::nccl::check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  mics::nccl::check(ncclGetVersion(&version), "ncclGetVersion");
  const auto dotted = [](int major, int minor) { return std::to_string(major) + "." + std::to_string(minor); };
  return {{"gpu", facts.name},
          {"gpus", std::to_string(devices) + " of one host, for " + std::to_string(here.world().size()) + " ranks"},
          {"driver_cuda", dotted(driver / 1000, driver % 1000 / 10)},
          {"nccl", dotted(version / 10000, version / 100 % 100) + "." + std::to_string(version % 100)}};
}
