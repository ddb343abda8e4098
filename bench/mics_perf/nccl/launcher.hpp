#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <mics/types.hpp>

#include "station.hpp"

namespace perf {

/// One rank of a job that torchrun or the like started; the other ranks are other processes.
class gpu_launcher {
 public:
  static constexpr bool shared_clock = false;
  static constexpr bool shared_memory = false;

  gpu_launcher(gpu_rank& here, const options& chosen) : station_(here, chosen) {}

  [[nodiscard]] std::string name() const { return "nccl"; }
  template <class F> void run(F&& f) { f(station_); }

  // NCCL does not count what it sends.
  void reset_traffic() {}
  [[nodiscard]] std::optional<std::uint64_t> into_busiest_node(mics::operation) { return std::nullopt; }

 private:
  gpu_station station_;
};

}  // namespace perf
