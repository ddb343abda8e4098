#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mics/mics.hpp>
#include <mics/training.hpp>
#include <mics/transport/nccl.hpp>

#include "../mics_perf/formulas.hpp"
#include "measurements.hpp"

namespace gpu {
namespace {

constexpr auto type = mics::data_type::float32;
constexpr auto sum = mics::reduction::sum;

/// This rank's gradients, and what the ways of reducing them leave behind.
class gradients {
 public:
  gradients(workbench& on, std::size_t elements)
      : on_(on),
        world_(on.here.world().size()),
        rank_(on.here.world().rank()),
        elements_(elements),
        given_(mics::nccl::allocate_device(bytes())),
        reduced_(mics::nccl::allocate_device(bytes())) {
    std::vector<std::byte> host(bytes());
    perf::fill(perf::terms(type, sum, rank_, world_, seed), 0, host);
    copy(given_.get(), host.data(), bytes(), cudaMemcpyHostToDevice);
  }

  [[nodiscard]] std::size_t bytes() const { return elements_ * sizeof(float); }
  [[nodiscard]] std::size_t elements() const { return elements_; }
  [[nodiscard]] std::span<const float> given() const {
    return {reinterpret_cast<const float*>(given_.get()), elements_};
  }
  [[nodiscard]] float* reduced() const { return reinterpret_cast<float*>(reduced_.get()); }

  /// Wrong elements on all ranks among `count` results that begin at element `first` of the gradients. Reads the result
  /// that all ranks' gradients, added up or averaged, must have.
  [[nodiscard]] std::uint64_t wrong(const float* result, std::size_t first, std::size_t count, bool averaged) const {
    const auto how = averaged ? mics::reduction::avg : sum;
    std::vector<std::byte> host(count * sizeof(float));
    copy(host.data(), result, host.size(), cudaMemcpyDeviceToHost);
    std::vector<std::int64_t> found{static_cast<std::int64_t>(perf::count_wrong(
        perf::result(type, how, world_, seed), first, host, type, perf::tolerance(type, how, world_)))};
    on_.station.fold_numbers(found, perf::fold::sum);
    return static_cast<std::uint64_t>(found[0]);
  }

  void poison() const {
    mics::nccl::check(cudaMemsetAsync(reduced_.get(), 0xff, bytes(), on_.here.stream()), "cudaMemsetAsync");
  }

 private:
  static constexpr std::uint64_t seed = 5;

  void copy(void* to, const void* from, std::size_t size, cudaMemcpyKind way) const {
    mics::nccl::check(cudaMemcpyAsync(to, from, size, way, on_.here.stream()), "cudaMemcpyAsync");
    on_.station.finish();
  }

  workbench& on_;
  int world_;
  int rank_;
  std::size_t elements_;
  mics::nccl::device_bytes given_;
  mics::nccl::device_bytes reduced_;
};

/// One way to do a step, and the check of what it left behind.
struct way {
  contender step;
  std::function<std::uint64_t()> wrong;
};

template <class Sync>
std::vector<way> ways(workbench& on, const gradients& g, Sync& sync, ncclComm_t raw, int micro_steps) {
  using mics::nccl::check;
  const cudaStream_t stream = on.here.stream();
  const auto world = static_cast<std::size_t>(on.here.world().size());
  const auto rank = static_cast<std::size_t>(on.here.world().rank());
  const std::size_t share = g.elements() / world;
  const auto group_rank = static_cast<std::size_t>(on.station.group().rank());
  const auto repeat = [micro_steps](auto micro_step) {
    return [=] {
      for (int i = 0; i < micro_steps; ++i) micro_step();
    };
  };
  const auto two_hop = [&sync, &g, stream, micro_steps] {
    sync.reset();
    for (int i = 0; i < micro_steps; ++i) sync.accumulate(g.given(), stream);
    sync.synchronize(stream);
  };
  const auto all_reduce = [=, &g] {
    check(ncclAllReduce(g.given().data(), g.reduced(), g.elements(), ncclFloat, ncclSum, raw, stream), "ncclAllReduce",
          raw);
  };
  const auto reduce_scatter = [=, &g] {
    check(ncclReduceScatter(g.given().data(), g.reduced(), share, ncclFloat, ncclSum, raw, stream), "ncclReduceScatter",
          raw);
  };
  return {{{"two_hop", two_hop},
           [&g, &sync, group_rank] {
             const auto shard = sync.shard();
             return g.wrong(shard.data(), group_rank * shard.size(), shard.size(), true);
           }},
          {{"nccl_all_reduce", repeat(all_reduce)}, [&g] { return g.wrong(g.reduced(), 0, g.elements(), false); }},
          {{"nccl_reduce_scatter", repeat(reduce_scatter)},
           [&g, rank, share] { return g.wrong(g.reduced(), rank * share, share, false); }}};
}

/// Into a node: hop 2 moves each shard's sum between the nodes once a step, the others at every micro-step.
std::optional<double> limit_us(const workbench& on, const std::string& algo, std::size_t bytes, int micro_steps) {
  const perf::options& common = on.chosen.common;
  const bool scatter = algo == "nccl_reduce_scatter";
  const auto once = perf::limit_us(scatter ? mics::operation::reduce_scatter : mics::operation::all_reduce, bytes,
                                   {common.nodes, common.node_size}, common.node_size, common.gbit_s);
  if (!once || algo == "two_hop") return once;
  return *once * micro_steps;
}

template <class Sync> void measure(workbench& on, const gradients& g, Sync& sync, ncclComm_t raw, int micro_steps) {
  const std::vector<way> all = ways(on, g, sync, raw, micro_steps);
  std::vector<std::uint64_t> wrong(all.size());
  const auto check = [&] {
    for (std::size_t i = 0; on.chosen.common.check && i < all.size(); ++i) {
      g.poison();
      all[i].step.work();
      on.station.finish();
      wrong[i] += all[i].wrong();
    }
  };
  check();
  std::vector<contender> steps;
  for (const way& one : all) steps.push_back(one.step);
  const std::vector<double> us = on.time(steps);
  check();
  for (std::size_t i = 0; i < all.size(); ++i) {
    perf::row r = on.row_of("two_hop_" + std::to_string(micro_steps), steps[i].algo, g.bytes(), us[i]);
    r.count = g.elements();
    r.type = mics::name_of(type);
    r.redop = i == 0 ? "avg" : "sum";
    r.limit_us = limit_us(on, r.algo, g.bytes(), micro_steps);
    if (on.chosen.common.check) r.wrong = wrong[i];
    on.rows.add(std::move(r));
  }
}

}  // namespace

void measure_two_hop(workbench& on) {
  const auto& world = on.here.world();
  const int p = on.chosen.common.partition_size();
  // Whole shards on every rank of the world, so that all ways reduce the same elements.
  const std::size_t unit = static_cast<std::size_t>(world.size()) * 64;
  const std::size_t elements = std::max<std::size_t>(on.chosen.gradient_bytes / sizeof(float) / unit, 1) * unit;
  mics::groups groups(world, {.node_size = on.chosen.common.node_size, .partition_size = p});
  mics::gradient_sync sync(groups, mics::shard_layout({elements}, p));
  const perf::raw_library raw(world);
  const gradients g(on, elements);
  on.rows.say("a step of s micro-steps, behind two_hop_ in the name; partition groups of " + std::to_string(p) +
              "; NCCL's calls reduce over all ranks at every micro-step, without adding up");
  for (const int micro_steps : on.chosen.micro_steps) measure(on, g, sync, raw.communicator(), micro_steps);
}

}  // namespace gpu
