#pragma once

#include <algorithm>
#include <exception>
#include <span>
#include <string>
#include <utility>

#include <cuda_runtime_api.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/device.hpp>
#include <mics/transport/nccl/grouped.hpp>
#include <mics/transport/nccl/launch.hpp>
#include <mics/transport/nccl/member.hpp>

namespace mics::nccl {

namespace detail {

/// Makes what the launches need and may not be made while a graph is captured: communicators and scratch memory.
/// Several launches are those of several GPUs of this process, which is why their communicators are made as one.
inline void provide(std::span<launch> launches) {
  bool missing = false;
  for (const launch& l : launches) {
    l.for_each_stage([&](stage s) { missing = missing || !l.group().has(s); });
    missing = missing || !l.group().scratch().holds(l.scratch_bytes());
  }
  if (!missing) return;
  for (const launch& l : launches) {
    if (!is_capturing(l.stream())) continue;
    throw usage_error(
        "the first operation of its kind in this group comes while a graph is captured; call prepare() "
        "for it, or run it once, before",
        l.group().where(std::string(name_of(l.what()))));
  }
  for (const stage s : {stage::rail, stage::node, stage::copy_engines}) {
    grouped([&] {
      for (const launch& l : launches) {
        bool wanted = false;
        l.for_each_stage([&](stage its) { wanted = wanted || its == s; });
        const device_scope current(l.group().device());
        if (wanted && !l.group().has(s)) l.group().make(s);
      }
    });
  }
  for (const launch& l : launches) {
    const device_scope current(l.group().device());
    l.group().scratch().reserve(l.scratch_bytes());
  }
}

/// The operations of one communicator run in the order of the calls, also in different streams.
inline void keep_order(launch& l, bool captured) {
  nccl::journal& before = l.group().journal();
  if (!captured && before.next() > 1 && before.last_stream() != l.stream()) before.last_end().hold_back(l.stream());
}

}  // namespace detail

/// Enqueues launches, each of another GPU of this process, step by step: one group of NCCL calls a step. If NCCL fails
/// halfway, the groups are of no use any more.
inline void run(std::span<launch> launches) {
  detail::provide(launches);
  int last = 0;
  for (launch& l : launches) {
    l.place(l.group().scratch().data());
    last = std::max(last, l.last_step());
  }
  try {
    for (launch& l : launches) {
      const device_scope current(l.group().device());
      detail::keep_order(l, is_capturing(l.stream()));
      l.begin();
    }
    for (int step = 0; step <= last; ++step) {
      grouped([&] {
        for (const launch& l : launches) l.issue(step);
      });
    }
    for (launch& l : launches) {
      const device_scope current(l.group().device());
      l.finish();
      l.group().journal().add(l.what(), l.stream(), is_capturing(l.stream()));
    }
  } catch (const std::exception& why) {
    for (launch& l : launches) l.group().fail(why.what());
    throw;
  }
}

}  // namespace mics::nccl
