#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include <mics/mics.hpp>

#include "../mics_perf/statistics.hpp"
#include "matrix_product.hpp"
#include "measurements.hpp"
#include "peer_copy.hpp"
#include "timer.hpp"

namespace gpu {
namespace {

constexpr int products = 4;  ///< of one sample

/// What runs beside the products, in a stream of its own: enough gathers, or copies, to outlast them.
struct company {
  std::string algo;
  perf::exchange call{};                       ///< of a gather; empty for copies, which nobody has to verify
  std::function<void(cudaStream_t)> gather{};  ///< empty: nothing
  int gathers = 0;
};

/// The times of `products` products, and whether the gathers were still running at their end.
struct sample {
  std::int64_t nanoseconds;
  bool accompanied;
};

class overlap {
 public:
  overlap(workbench& on, const matrix_product& product) : on_(on), product_(product) {}

  /// Of one gather alone, on the slowest rank.
  [[nodiscard]] double gather_us(const company& beside) {
    const timer clock;
    std::vector<std::int64_t> took;
    for (int round = 0; round < 5; ++round) {
      on_.station.align();
      clock.start(gathers_.get());
      beside.gather(gathers_.get());
      clock.stop(gathers_.get());
      mics::nccl::check(cudaStreamSynchronize(gathers_.get()), "cudaStreamSynchronize");
      took.push_back(clock.nanoseconds());
    }
    on_.station.fold_numbers(took, perf::fold::max);
    return perf::median(std::vector<double>(took.begin(), took.end())) / 1e3;
  }

  [[nodiscard]] sample run(const company& beside) {
    on_.station.align();
    beside_.start(gathers_.get());
    for (int i = 0; i < beside.gathers; ++i) beside.gather(gathers_.get());
    beside_.stop(gathers_.get());
    products_.start(on_.here.stream());
    for (int i = 0; i < products; ++i) product_.enqueue(on_.here.stream());
    products_.stop(on_.here.stream());
    on_.station.finish();
    mics::nccl::check(cudaStreamSynchronize(gathers_.get()), "cudaStreamSynchronize");
    return {products_.nanoseconds(), beside_.nanoseconds_behind(products_) >= 0};
  }

 private:
  workbench& on_;
  const matrix_product& product_;
  mics::nccl::own_stream gathers_{on_.here.device()};
  timer beside_{};
  timer products_{};
};

company gather_by_library(workbench& on, std::string algo, perf::exchange shape, const perf::device_memory& memory) {
  const perf::exchange call = perf::placed(shape, memory, memory);
  const auto gather = [&on, call](cudaStream_t stream) { perf::collective(on.station.group(), call, {}, stream); };
  return {std::move(algo), call, gather};
}

company gather_by_nccl(workbench& on, perf::exchange shape, const perf::device_memory& memory) {
  const perf::exchange call = perf::placed(shape, memory, memory);
  const ncclComm_t comm = on.station.raw_communicator();
  const auto gather = [call, comm](cudaStream_t stream) {
    mics::nccl::check(ncclAllGather(call.in.data(), call.out.data(), call.block_bytes(), ncclInt8, comm, stream),
                      "ncclAllGather", comm);
  };
  return {"beside_nccl", call, gather};
}

/// What the copies alone cost the products, whoever makes them: as many bytes out of and into each GPU.
company plain_copies(const peer_copy& copy, const perf::exchange& shape) {
  const std::size_t brought = shape.bytes() - shape.block_bytes();
  return {"beside_peer_copy", {}, [&copy, brought](cudaStream_t stream) { copy.enqueue(brought, stream); }};
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

/// Median microseconds of one product in each company, the slowest rank's.
std::vector<double> measure(workbench& on, overlap& bench, const std::vector<company>& all) {
  const auto rounds = static_cast<std::size_t>(on.chosen.common.warmup + on.chosen.common.iterations);
  std::vector<std::vector<std::int64_t>> taken(all.size());
  std::vector<std::int64_t> alone(all.size());  // samples whose gathers ended too early
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t which = (i + round) % all.size();
      const sample one = bench.run(all[which]);
      if (round < static_cast<std::size_t>(on.chosen.common.warmup)) continue;
      taken[which].push_back(one.nanoseconds);
      if (all[which].gathers > 0 && !one.accompanied) ++alone[which];
    }
  }
  on.station.fold_numbers(alone, perf::fold::max);
  std::vector<double> us;
  for (std::size_t which = 0; which < all.size(); ++which) {
    on.station.fold_numbers(taken[which], perf::fold::max);
    us.push_back(perf::median(std::vector<double>(taken[which].begin(), taken[which].end())) / (1e3 * products));
    if (alone[which] > 0) {
      on.rows.say(all[which].algo + ": in " + std::to_string(alone[which]) +
                  " samples the gathers ended before the products, so the loss is underestimated");
    }
  }
  return us;
}

}  // namespace

void measure_overlap(workbench& on) {
  const auto& group = on.station.group();
  perf::exchange shape{.op = mics::operation::all_gather,
                       .type = mics::data_type::float32,
                       .rank = group.rank(),
                       .ranks = group.size(),
                       .in_place = true};
  shape.count = perf::count_for(shape.op, shape.type, shape.ranks, on.chosen.gather_bytes);
  const perf::device_memory plain(group, shape.bytes(), perf::memory_kind::plain);
  const perf::device_memory registered(group, shape.bytes(), perf::memory_kind::registered);
  const matrix_product product(on.chosen.matrix);
  overlap bench(on, product);

  std::vector<company> all{{"alone"},
                           gather_by_nccl(on, shape, plain),
                           gather_by_library(on, "beside_plain", shape, plain),
                           gather_by_library(on, "beside_registered", shape, registered)};
  const peer_copy copy(on, shape.bytes(), peer_copy::by::every_rank);
  if (copy.possible() && shape.ranks == 2) all.push_back(plain_copies(copy, shape));
  std::vector<std::uint64_t> wrong(all.size());
  const auto check = [&] {
    for (std::size_t i = 0; on.chosen.common.check && i < all.size(); ++i) {
      static_cast<void>(bench.run(all[i]));
      std::vector<std::int64_t> products_wrong{static_cast<std::int64_t>(product.wrong())};
      on.station.fold_numbers(products_wrong, perf::fold::sum);
      wrong[i] += static_cast<std::uint64_t>(products_wrong[0]);
      if (all[i].call.bytes() == 0) continue;
      wrong[i] += on.wrong_after({all[i].call}, [&] { all[i].gather(on.here.stream()); });
    }
  };
  check();
  std::vector<std::int64_t> alone{bench.run(all[0]).nanoseconds};
  on.station.fold_numbers(alone, perf::fold::max);
  for (company& one : all) {
    if (!one.gather) continue;
    const double us = bench.gather_us(one);
    one.gathers = static_cast<int>(std::ceil(2 * static_cast<double>(alone[0]) / 1e3 / us)) + 1;
    on.rows.say(one.algo + ": a gather alone takes " + std::to_string(us) + " us, " + std::to_string(one.gathers) +
                " of them run beside " + std::to_string(products) + " products");
  }
  const std::vector<double> us = measure(on, bench, all);
  check();
  for (std::size_t i = 0; i < all.size(); ++i) {
    perf::row r = on.row_of("matrix_product", all[i].algo, product.bytes(), us[i]);
    r.count = static_cast<std::size_t>(on.chosen.matrix);
    r.type = "bfloat16";
    if (on.chosen.common.check) r.wrong = wrong[i];
    on.rows.add(std::move(r));
  }
  on.rows.say(std::string("by ") + matrix_product::computed_by() +
              ", alone: " + std::to_string(product.flops() / us[0] * 1e-6) + " TFLOP/s");
  for (std::size_t i = 1; i < all.size(); ++i) on.rows.say(all[i].algo + ": " + percent(us[i] / us[0] - 1) + " slower");
}

}  // namespace gpu
