#include "workbench.hpp"

#include <utility>

#include "../common/group_shape.hpp"
#include "../mics_perf/formulas.hpp"
#include "../mics_perf/interleave.hpp"
#include "../mics_perf/statistics.hpp"
#include "timer.hpp"

namespace gpu {

std::vector<double> workbench::time(const std::vector<contender>& all) {
  std::vector<std::function<void()>> calls;
  for (const contender& one : all) calls.push_back(one.work);
  const perf::options& common = chosen.common;
  return perf::interleave(station, calls, {common.warmup, common.iterations, 1, common.budget}, false);
}

std::vector<double> workbench::time_on_gpu(const std::vector<contender>& all) {
  const std::size_t n = all.size();
  const auto measured = static_cast<std::size_t>(chosen.common.iterations);
  const auto warmup = static_cast<std::size_t>(chosen.common.warmup);
  std::vector<std::int64_t> nanoseconds(n * measured);
  const timer clock;
  for (std::size_t round = 0; round < warmup + measured; ++round) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t which = (i + round) % n;
      here.meet();  // meanwhile the host gets ahead: its launches are not what is timed
      clock.start(here.stream());
      all[which].work();
      clock.stop(here.stream());
      station.finish();
      if (round >= warmup) nanoseconds[which * measured + round - warmup] = clock.nanoseconds();
    }
  }
  station.fold_numbers(nanoseconds, perf::fold::max);
  std::vector<double> medians;
  for (std::size_t which = 0; which < n; ++which) {
    const auto first = nanoseconds.begin() + static_cast<std::ptrdiff_t>(which * measured);
    std::vector<double> samples(first, first + static_cast<std::ptrdiff_t>(measured));
    medians.push_back(perf::median(std::move(samples)) / 1e3);
  }
  return medians;
}

std::uint64_t workbench::wrong_after(const std::vector<perf::exchange>& calls, const std::function<void()>& work) {
  ++seed_;
  for (const perf::exchange& call : calls) {
    const perf::exchange seen = station.host_view(call);
    perf::prepare(seen, seed_);
    station.upload(seen, call);
  }
  station.align();
  work();
  station.finish();
  std::vector<std::int64_t> wrong{0};
  for (const perf::exchange& call : calls) {
    const perf::exchange seen = station.host_view(call);
    station.download(call, seen);
    wrong[0] += static_cast<std::int64_t>(perf::wrong_elements(seen, seed_));
  }
  station.fold_numbers(wrong, perf::fold::sum);
  return static_cast<std::uint64_t>(wrong[0]);
}

perf::row workbench::row_of(std::string op, std::string algo, std::size_t bytes, double us) const {
  perf::row r;
  r.op = std::move(op);
  r.algo = std::move(algo);
  r.plan = r.algo;
  r.transport = "nccl";
  r.nodes = chosen.common.nodes;
  r.node_size = chosen.common.node_size;
  r.partition = chosen.common.partition_size();
  r.size = bytes;
  r.time_us = us;
  return r;
}

perf::row workbench::row_of(std::string op, std::string algo, const perf::exchange& call, int calls, double us) const {
  perf::row r = row_of(std::move(op), std::move(algo), call.bytes() * static_cast<std::size_t>(calls), us);
  r.count = call.count;
  r.type = mics::name_of(call.type);
  if (call.reduces()) r.redop = mics::name_of(call.reduction);
  r.in_place = call.in_place;
  r.algbw = static_cast<double>(r.size) / (us * 1e3);
  r.busbw = *r.algbw * perf::bus_factor(call.op, call.ranks);
  r.limit_us = perf::limit_us(call.op, r.size, group_shape(r.nodes, r.node_size, call.ranks, false), r.node_size,
                              chosen.common.gbit_s);
  return r;
}

}  // namespace gpu
