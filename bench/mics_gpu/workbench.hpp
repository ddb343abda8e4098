#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <mics/mics.hpp>

#include "../common/gpu_rank.hpp"
#include "../mics_perf/check.hpp"
#include "../mics_perf/nccl/station.hpp"
#include "../mics_perf/row.hpp"
#include "options.hpp"
#include "report.hpp"

namespace gpu {

/// One way to do what is measured; `work` enqueues it on the rank's stream.
struct contender {
  std::string algo;
  std::function<void()> work;
};

/// What every measurement of this program works with, on one rank.
class workbench {
 public:
  workbench(gpu_rank& its_rank, const options& its_options, report& its_rows)
      : here(its_rank), chosen(its_options), rows(its_rows), station(its_rank, its_options.common) {}

  gpu_rank& here;
  const options& chosen;
  report& rows;
  perf::gpu_station station;

  /// Median microseconds of each, by the hosts' clocks: the longest of the ranks' own times. They take turns.
  [[nodiscard]] std::vector<double> time(const std::vector<contender>& all);

  /// The same by the GPU's clock, between events around the work.
  [[nodiscard]] std::vector<double> time_on_gpu(const std::vector<contender>& all);

  /// Wrong elements over all ranks after `work` ran on known data.
  [[nodiscard]] std::uint64_t wrong_after(const std::vector<perf::exchange>& calls, const std::function<void()>& work);

  /// A row of this job's geometry.
  [[nodiscard]] perf::row row_of(std::string op, std::string algo, std::size_t bytes, double us) const;
  /// The row of one collective, or of several of a kind as one.
  [[nodiscard]] perf::row row_of(std::string op, std::string algo, const perf::exchange& call, int calls,
                                 double us) const;

 private:
  std::uint64_t seed_ = 0;
};

}  // namespace gpu
