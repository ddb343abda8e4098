#include <cstddef>
#include <string>
#include <vector>

#include <mics/mics.hpp>

#include "../mics_perf/collective.hpp"
#include "../mics_perf/sizes.hpp"
#include "measurements.hpp"
#include "peer_copy.hpp"

namespace gpu {
namespace {

/// The node's ranks once more, in a communicator whose gathers of registered memory go by copy engines from so many
/// bytes of a row on; and memory that is registered there.
struct registered_node {
  registered_node(const workbench& on, std::size_t copy_engine_bytes, std::size_t bytes)
      : ranks(mics::nccl::communicator::duplicate(on.station.group().native_handle(),
                                                  {.name = "node",
                                                   .node_size = on.station.group().size(),
                                                   .timeout = on.chosen.common.timeout,
                                                   .copy_engine_bytes = copy_engine_bytes})),
        memory(ranks, bytes, perf::memory_kind::registered) {}

  mics::nccl::communicator ranks;
  perf::device_memory memory;
};

/// One way to do a call in place: on memory of its kind, in the library's communicator or by NCCL alone.
struct way {
  const char* algo;
  const perf::device_memory* memory;
  const mics::nccl::communicator_ref* through = nullptr;
};

constexpr const char* by_nccl = "nccl";
constexpr const char* in_same_communicator = "nccl_same";  // as "nccl", in the communicator that mics uses

contender contender_of(workbench& on, const way& w, const perf::exchange& call) {
  const cudaStream_t stream = on.here.stream();
  if (w.algo == by_nccl) return {w.algo, on.station.library_below(call)};
  if (w.algo == in_same_communicator) {
    return {w.algo, [call, comm = on.station.group().native_handle(), stream] {
              mics::nccl::wire{comm, stream}.all_gather(call.in.data(), call.out.data(), call.block_bytes());
            }};
  }
  return {w.algo, [call, through = *w.through, stream] { perf::collective(through, call, {}, stream); }};
}

void measure(workbench& on, const perf::exchange& shape, const std::vector<way>& ways, const peer_copy& copy) {
  std::vector<contender> all;
  std::vector<perf::exchange> calls;
  for (const way& w : ways) {
    calls.push_back(perf::placed(shape, *w.memory, *w.memory));
    all.push_back(contender_of(on, w, calls.back()));
  }
  std::vector<std::uint64_t> wrong(ways.size());
  const auto check = [&] {
    for (std::size_t i = 0; on.chosen.common.check && i < ways.size(); ++i) {
      wrong[i] += on.wrong_after({calls[i]}, all[i].work);
    }
  };
  check();
  if (shape.reduces()) {  // sums of nothing stay what they are
    for (const perf::exchange& call : calls) on.station.zero(call.in);
  } else if (copy.possible()) {
    const std::size_t brought = shape.bytes() - shape.block_bytes();
    all.push_back({"peer_copy", [&copy, brought, stream = on.here.stream()] { copy.enqueue(brought, stream); }});
  }
  const std::vector<double> us = on.time_on_gpu(all);
  check();
  for (std::size_t i = 0; i < all.size(); ++i) {
    perf::row r = on.row_of("node_" + std::string(mics::name_of(shape.op)), all[i].algo, shape, 1, us[i]);
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
  const registered_node multiprocessors(on, most + 1, most), copy_engines(on, 1, most);
  const peer_copy copy(on, most, peer_copy::by::first_rank);
  on.rows.say(
      "in place, by the GPU's clock; busbw is what comes into a GPU; peer_copy moves as much from device 0 to 1");
  on.rows.say("registered: as the library chooses; windows, copy_engines: always by these");
  if (!copy.possible()) on.rows.say("no peer_copy: this host has one device");
  for (const std::size_t bytes : perf::sweep(on.chosen.common)) {
    for (const mics::operation op : {mics::operation::all_gather, mics::operation::reduce_scatter}) {
      perf::exchange shape{
          .op = op, .type = mics::data_type::float32, .rank = group.rank(), .ranks = group.size(), .in_place = true};
      shape.count = perf::count_for(shape.op, shape.type, shape.ranks, bytes);
      std::vector<way> ways{{by_nccl, &plain}, {"plain", &plain, &group}, {"registered", &registered, &group}};
      if (op == mics::operation::all_gather) {
        ways.push_back({in_same_communicator, &plain});
        ways.push_back({"windows", &multiprocessors.memory, &multiprocessors.ranks});
        ways.push_back({"copy_engines", &copy_engines.memory, &copy_engines.ranks});
      }
      measure(on, shape, ways, copy);
    }
  }
}

}  // namespace gpu
