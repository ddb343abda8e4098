#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <string>

#include <cuda_runtime_api.h>

#include <mics/collectives/planned_call.hpp>
#include <mics/error.hpp>
#include <mics/options.hpp>
#include <mics/transport/nccl/group/family.hpp>
#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/group/repeated_calls.hpp>
#include <mics/transport/nccl/kernels.hpp>
#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/native/grouped.hpp>
#include <mics/transport/nccl/native/native_call.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl {

namespace detail {

/// Makes recorded calls once more, in their groups.
inline void make_again(const member& m, const recording& known, operation what, cudaStream_t stream) {
  const auto make = [&](const native_call& call) {
    check(call.make(stream), call.name(), call.comm, [&] {
      error_context where = m.where(std::string(name_of(what)), m.next());
      where.stage = name_of(call.in);
      return where;
    });
  };
  if (known.calls.size() == 1 && !known.sum) return make(known.calls.front());
  std::size_t next = 0, groups = 0;
  for (const std::size_t end : known.group_ends) {
    grouped(
        m.whole(), [&] { return m.where(std::string(name_of(what)), m.next()); },
        [&] {
          while (next < end) make(known.calls[next++]);
        });
    if (!known.sum || ++groups != known.groups_before_sum) continue;
    const device_scope current(m.device());
    device_kernels().sum(*known.sum, stream);
  }
}

}  // namespace detail

/// Runs a call that the group keeps, without checking and planning it again; false: it keeps no such call, or this one
/// needs more than what a recording holds.
inline bool repeat(member& m, const collective_call& call, cudaStream_t stream, const collective_options& options) {
  const bool simple = call.blocks.even() && options.accumulate == accumulation::native && options.timeout.count() == 0;
  if (!simple || options.checked.value_or(m.chosen().checked)) return false;
  const recording* const known = m.repeats().find({call, options.how, options.on_rail, options.chunk_bytes, stream});
  if (known == nullptr) return false;
  const bool captured = is_capturing(stream);
  const stream_scope meant(stream, m.device());
  try {
    const std::array group{&m};
    const native_calls under_way(group);
    const bool orders_scratch = known->in_scratch && !captured;
    if (!captured) m.family().journal().begin(m, stream);
    if (orders_scratch) m.scratch().await(stream);  // memory that was outgrown is kept, so the calls may use it still
    detail::make_again(m, *known, call.what, stream);
    m.note(call.what, stream, captured);
    if (!orders_scratch) return true;
    const device_scope current(m.device());
    m.scratch().used(stream);
  } catch (const std::exception& why) {
    m.failure()->set(why.what());
    throw;
  }
  return true;
}

}  // namespace mics::nccl
