#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <mics/mics.hpp>

#include "../mics_perf/statistics.hpp"
#include "measurements.hpp"

namespace gpu {
namespace {

constexpr int per_batch = 100;  ///< calls between two drains of the queue

/// The communicators that the library's stages of a group run in, to make the same calls by hand.
class stages_of : public mics::nccl::communicator_ref {
 public:
  explicit stages_of(const mics::nccl::communicator_ref& group) : communicator_ref(group) {}
  [[nodiscard]] ncclComm_t get(mics::nccl::stage s) const { return state()->wire_of(s, nullptr).comm; }
};

/// The group of NCCL calls that a native all-gather makes.
std::function<void()> raw_native(const perf::exchange& call, ncclComm_t comm, cudaStream_t stream) {
  return [=] {
    mics::nccl::grouped(comm, [&] {
      mics::nccl::check(ncclAllGather(call.in.data(), call.out.data(), call.block_bytes(), ncclInt8, comm, stream),
                        "ncclAllGather", comm);
    });
  };
}

/// The two groups of a hierarchical one: into the slots over the rail, then every row inside the node.
std::function<void()> raw_hierarchical(const perf::exchange& call, const stages_of& stages, cudaStream_t stream) {
  using mics::nccl::check;
  const ncclComm_t rail = stages.get(mics::nccl::stage::rail), node = stages.get(mics::nccl::stage::node);
  const mics::group_shape shape = stages.shape();
  return [=] {
    const std::size_t bytes = call.block_bytes();
    const auto slot = [&](int rank) { return call.out.data() + static_cast<std::size_t>(rank) * bytes; };
    mics::nccl::grouped(rail, [&] {
      for (int other = 0; other < shape.nodes; ++other) {
        if (other == shape.node()) continue;
        check(ncclSend(call.in.data(), bytes, ncclInt8, other, rail, stream), "ncclSend", rail);
        check(ncclRecv(slot(other * shape.node_size + shape.local_rank()), bytes, ncclInt8, other, rail, stream),
              "ncclRecv", rail);
      }
    });
    mics::nccl::grouped(node, [&] {
      for (int row = 0; row < shape.nodes; ++row) {
        const std::byte* const own =
            row == shape.node() ? call.in.data() : slot(row * shape.node_size + shape.local_rank());
        check(ncclAllGather(own, slot(row * shape.node_size), bytes, ncclInt8, node, stream), "ncclAllGather", node);
      }
    });
  };
}

/// Median microseconds of the host for one call of each, rank 0's and all others' longest.
std::vector<double> host_us(workbench& on, const std::vector<contender>& all) {
  const auto rounds = static_cast<std::size_t>(on.chosen.calls / per_batch);
  std::vector<std::vector<std::int64_t>> spent(all.size(), std::vector<std::int64_t>(rounds));
  for (std::size_t round = 0; round < rounds + 1; ++round) {  // the first one warms up
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t which = (i + round) % all.size();
      on.station.align();
      const auto begin = std::chrono::steady_clock::now();
      for (int call = 0; call < per_batch; ++call) all[which].work();
      const auto took = std::chrono::steady_clock::now() - begin;
      on.station.finish();
      if (round > 0) spent[which][round - 1] = std::chrono::duration_cast<std::chrono::nanoseconds>(took).count();
    }
  }
  std::vector<std::int64_t> medians;
  for (const auto& samples : spent) {
    medians.push_back(static_cast<std::int64_t>(perf::median(std::vector<double>(samples.begin(), samples.end()))));
  }
  on.station.fold_numbers(medians, perf::fold::max);
  std::vector<double> us;
  for (const std::int64_t nanoseconds : medians) us.push_back(static_cast<double>(nanoseconds) / (1e3 * per_batch));
  return us;
}

}  // namespace

void measure_host_time(workbench& on) {
  const auto& group = on.station.group();
  perf::exchange call{.op = mics::operation::all_gather,
                      .type = mics::data_type::float32,
                      .rank = group.rank(),
                      .ranks = group.size(),
                      .count = 4};
  const perf::device_memory first = on.station.make_memory(call.bytes()), second = on.station.make_memory(call.bytes());
  call = perf::placed(call, first, second);
  const cudaStream_t stream = on.here.stream();
  const auto library = [&](mics::algorithm how) {
    mics::collective_options chosen;
    chosen.how = how;
    chosen.on_rail = mics::algorithm::direct;
    return [&on, call, chosen] { on.station.start(call, chosen); };
  };
  std::vector<contender> all{{"nccl_native", raw_native(call, group.native_handle(), stream)},
                             {"native", library(mics::algorithm::native)}};
  if (group.shape().hierarchical()) {
    all.push_back({"hierarchical", library(mics::algorithm::hierarchical)});
    all.back().work();  // makes the stages' communicators
    on.station.finish();
    all.push_back({"nccl_hierarchical", raw_hierarchical(call, stages_of(group), stream)});
  } else {
    on.rows.say("no hierarchical calls: the group lies inside one node");
  }
  std::vector<std::uint64_t> wrong;
  for (const contender& one : all) wrong.push_back(on.chosen.common.check ? on.wrong_after({call}, one.work) : 0);
  on.rows.say(std::to_string(on.chosen.calls) + " calls of each; time is the host's for one call, without waiting");
  const std::vector<double> us = host_us(on, all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    perf::row r = on.row_of("host_time", all[i].algo, call.bytes(), us[i]);
    r.count = call.count;
    r.type = mics::name_of(call.type);
    if (on.chosen.common.check) r.wrong = wrong[i];
    on.rows.add(std::move(r));
  }
}

}  // namespace gpu
