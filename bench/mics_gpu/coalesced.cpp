#include <cstddef>
#include <string>
#include <vector>

#include <mics/mics.hpp>

#include "measurements.hpp"

namespace gpu {
namespace {

/// A piece of a buffer, for one tensor.
struct slice {
  std::byte* data;
  [[nodiscard]] std::span<std::byte> span(std::size_t bytes) const { return {data, bytes}; }
};

/// The tensors one behind the other in the two buffers, each on a border of 256 bytes.
std::vector<perf::exchange> lay_out(const perf::exchange& shape, int tensors, const perf::device_memory& first,
                                    const perf::device_memory& second) {
  const std::size_t step = (shape.bytes() + 255) / 256 * 256;
  std::vector<perf::exchange> all;
  for (std::size_t i = 0; i < static_cast<std::size_t>(tensors); ++i) {
    slice one{first.span(0).data() + i * step}, other{second.span(0).data() + i * step};
    all.push_back(perf::placed(shape, one, other));
  }
  return all;
}

void add_to(mics::batch<mics::nccl::communicator_ref>& batch, const perf::exchange& call) {
  if (call.op == mics::operation::all_gather) {
    batch.all_gather(call.in.data(), call.out.data(), call.count, call.type);
  } else {
    batch.reduce_scatter(call.in.data(), call.out.data(), call.count, call.type, call.reduction);
  }
}

std::vector<contender> contenders(workbench& on, const std::vector<perf::exchange>& calls) {
  std::vector<std::function<void()>> raw;
  mics::batch<mics::nccl::communicator_ref> batch(on.station.group());
  for (const perf::exchange& call : calls) {
    raw.push_back(on.station.library_below(call));
    add_to(batch, call);
  }
  const auto raw_each = [raw] {
    for (const auto& call : raw) call();
  };
  return {
      {"nccl_each", raw_each},
      {"nccl_group", [raw_each, comm = on.station.group().native_handle()] { mics::nccl::grouped(comm, raw_each); }},
      {"each",
       [&on, calls] {
         for (const perf::exchange& call : calls) on.station.start(call, {});
       }},
      {"batch", [&on, batch] { batch.run(on.here.stream()); }}};
}

void measure(workbench& on, mics::operation op) {
  const auto& group = on.station.group();
  perf::exchange shape{.op = op, .type = mics::data_type::float32, .rank = group.rank(), .ranks = group.size()};
  shape.count = perf::count_for(op, shape.type, shape.ranks, on.chosen.tensor_bytes);
  const std::size_t room = (shape.bytes() + 256) * static_cast<std::size_t>(on.chosen.tensors);
  const perf::device_memory first = on.station.make_memory(room), second = on.station.make_memory(room);
  const std::vector<perf::exchange> calls = lay_out(shape, on.chosen.tensors, first, second);
  const std::vector<contender> all = contenders(on, calls);

  std::vector<std::uint64_t> wrong(all.size());
  const auto check = [&] {
    for (std::size_t i = 0; on.chosen.common.check && i < all.size(); ++i) {
      wrong[i] += on.wrong_after(calls, all[i].work);
    }
  };
  check();
  const std::vector<double> us = on.time(all);
  check();
  for (std::size_t i = 0; i < all.size(); ++i) {
    perf::row r =
        on.row_of("coalesced_" + std::string(mics::name_of(op)), all[i].algo, shape, on.chosen.tensors, us[i]);
    if (on.chosen.common.check) r.wrong = wrong[i];
    on.rows.add(std::move(r));
  }
}

}  // namespace

void measure_coalesced(workbench& on) {
  on.rows.say(std::to_string(on.chosen.tensors) + " tensors of " + std::to_string(on.chosen.tensor_bytes) +
              " B each; size is that of all, count that of one");
  measure(on, mics::operation::all_gather);
  measure(on, mics::operation::reduce_scatter);
}

}  // namespace gpu
