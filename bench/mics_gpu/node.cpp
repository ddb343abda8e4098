#include <cstddef>
#include <string>
#include <vector>

#include <mics/mics.hpp>

#include "../mics_perf/sizes.hpp"
#include "measurements.hpp"
#include "peer_copy.hpp"

namespace gpu {
namespace {

/// One way to gather in place, on memory of its kind.
struct gather {
  const char* algo;
  const perf::device_memory* memory;
};

constexpr const char* by_nccl = "nccl";
constexpr const char* in_same_communicator = "nccl_same";  // as "nccl", in the communicator that mics uses

void measure(workbench& on, perf::exchange shape, const std::vector<gather>& ways, const peer_copy& copy) {
  std::vector<contender> all;
  std::vector<perf::exchange> calls;
  for (const gather& way : ways) {
    const perf::exchange call = perf::placed(shape, *way.memory, *way.memory);
    calls.push_back(call);
    if (way.algo == by_nccl) {
      all.push_back({way.algo, on.station.library_below(call)});
    } else if (way.algo == in_same_communicator) {
      all.push_back({way.algo, [call, comm = on.station.group().native_handle(), stream = on.here.stream()] {
                       mics::nccl::wire{comm, stream}.all_gather(call.in.data(), call.out.data(), call.block_bytes());
                     }});
    } else {
      all.push_back({way.algo, [&on, call] { on.station.start(call, {}); }});
    }
  }
  std::vector<std::uint64_t> wrong(ways.size());
  const auto check = [&] {
    for (std::size_t i = 0; on.chosen.common.check && i < ways.size(); ++i) {
      wrong[i] += on.wrong_after({calls[i]}, all[i].work);
    }
  };
  check();
  if (copy.possible()) {
    const std::size_t brought = shape.bytes() - shape.block_bytes();
    all.push_back({"peer_copy", [&copy, brought, stream = on.here.stream()] { copy.enqueue(brought, stream); }});
  }
  const std::vector<double> us = on.time_on_gpu(all);
  check();
  for (std::size_t i = 0; i < all.size(); ++i) {
    perf::row r = on.row_of("node_all_gather", all[i].algo, shape, 1, us[i]);
    if (on.chosen.common.check && i < ways.size()) r.wrong = wrong[i];
    on.rows.add(std::move(r));
  }
}

}  // namespace

void measure_node(workbench& on) {
  const auto& group = on.station.group();
  const std::size_t most = on.chosen.common.max_bytes;
  const perf::device_memory plain(group, most, perf::memory_kind::plain);
  const perf::device_memory registered(group, most, perf::memory_kind::registered);
  const peer_copy copy(on, most, peer_copy::by::first_rank);
  on.rows.say(
      "in place, by the GPU's clock; busbw is what comes into a GPU; peer_copy moves as much from device 0 to 1");
  if (!copy.possible()) on.rows.say("no peer_copy: this host has one device");
  for (const std::size_t bytes : perf::sweep(on.chosen.common)) {
    perf::exchange shape{.op = mics::operation::all_gather,
                         .type = mics::data_type::float32,
                         .rank = group.rank(),
                         .ranks = group.size(),
                         .in_place = true};
    shape.count = perf::count_for(shape.op, shape.type, shape.ranks, bytes);
    measure(on, shape,
            {{by_nccl, &plain}, {in_same_communicator, &plain}, {"plain", &plain}, {"registered", &registered}}, copy);
  }
}

}  // namespace gpu
