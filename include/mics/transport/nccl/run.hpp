#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/device.hpp>
#include <mics/transport/nccl/grouped.hpp>
#include <mics/transport/nccl/launch.hpp>
#include <mics/transport/nccl/member.hpp>

namespace mics::nccl {

namespace detail {

/// While one of these lives, what NCCL takes on the devices of the launches is counted; nothing if there is none.
class native_bytes_counter {
 public:
  explicit native_bytes_counter(std::span<launch> launches) : launches_(launches) {
    for (const launch& l : launches_) before_.push_back(free_bytes(l.group().device()));
  }
  void count() const {
    for (std::size_t i = 0; i < launches_.size(); ++i) {
      member& group = launches_[i].group();
      group.count_native(before_[i], free_bytes(group.device()));
    }
  }

 private:
  std::span<launch> launches_;
  std::vector<std::size_t> before_{};
};

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
    if (!l.captured()) continue;
    throw usage_error(
        "the first operation of its kind in this group comes while a graph is captured; call prepare() "
        "for it, or run it once, before",
        l.group().where(std::string(name_of(l.what()))));
  }
  const native_bytes_counter taken(launches);
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
  taken.count();
  for (const launch& l : launches) {
    const device_scope current(l.group().device());
    l.group().scratch().reserve(l.scratch_bytes());
  }
}

/// Does NCCL connect ranks for any of the launches, because nothing like it has run before?
inline bool is_first_use(std::span<launch> launches) {
  bool first = false;
  for (launch& l : launches) {
    const bool its_first = l.first_use();
    first = first || (its_first && !l.captured());
  }
  return first;
}

/// The operations of one communicator run in the order of the calls, also in different streams.
inline void keep_order(const launch& l) {
  const nccl::journal& before = l.group().journal();
  if (!l.captured() && before.next() > 1 && before.last_stream() != l.stream()) before.last_end().hold_back(l.stream());
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
  std::optional<detail::native_bytes_counter> taken;
  if (detail::is_first_use(launches)) taken.emplace(launches);
  try {
    for (launch& l : launches) {
      detail::keep_order(l);
      l.begin();
    }
    if (launches.size() == 1 && launches.front().is_one_native_call()) {
      launches.front().issue(0);
    } else {
      for (int step = 0; step <= last; ++step) {
        grouped([&] {
          for (const launch& l : launches) l.issue(step);
        });
      }
    }
    for (launch& l : launches) {
      l.finish();
      l.group().journal().add(l.what(), l.stream(), l.captured());
    }
  } catch (const std::exception& why) {
    for (launch& l : launches) l.group().failure()->set(why.what());
    throw;
  }
  if (taken) taken->count();
}

}  // namespace mics::nccl
