#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/device.hpp>
#include <mics/transport/nccl/grouped.hpp>
#include <mics/transport/nccl/host_watch.hpp>
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

inline std::vector<member*> groups_of(std::span<launch> launches) {
  std::vector<member*> groups;
  for (const launch& l : launches) groups.push_back(&l.group());
  return groups;
}

/// Splits off one stage's communicator where it is needed and missing. Several launches are those of several GPUs of
/// this process, which is why their communicators are made as one.
inline void make_stage(std::span<launch> launches, stage s) {
  grouped(launches.front().group().whole(), [&] {
    for (const launch& l : launches) {
      bool wanted = false;
      l.for_each_stage([&](stage its) { wanted = wanted || its == s; });
      const device_scope current(l.group().device());
      if (wanted && !l.group().has(s)) l.group().make(s);
    }
  });
}

/// Makes what the launches need and may not be made while a graph is captured: communicators, scratch memory, lanes.
inline void provide(std::span<launch> launches, std::chrono::milliseconds timeout) {
  bool missing = false;
  for (const launch& l : launches) {
    l.for_each_stage([&](stage s) { missing = missing || !l.group().has(s); });
    missing = missing || !l.group().scratch().holds(l.scratch_bytes());
    missing = missing || (l.overlaps() && !l.group().lane().exists());
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
  within_deadline(groups_of(launches), timeout, "splitting off the groups of its stages", [&] {
    for (const stage s : {stage::rail, stage::node, stage::windows, stage::copy_engines}) make_stage(launches, s);
  });
  taken.count();
  for (const launch& l : launches) {
    const device_scope current(l.group().device());
    l.group().scratch().reserve(l.scratch_bytes());
    if (l.overlaps() && !l.group().lane().exists()) l.group().lane().make();
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

/// The NCCL calls of the launches, and the copies around them.
inline void issue(std::span<launch> launches) {
  int last = 0;
  for (launch& l : launches) {
    last = std::max(last, l.last_wave());
    if (l.scratch_bytes() > 0 && !l.captured()) l.group().journal().await_scratch(l.stream());
    l.begin();
  }
  if (launches.size() == 1 && launches.front().is_one_native_call()) {
    launches.front().issue(0);
  } else {
    for (int wave = 0; wave <= last; ++wave) {
      if (wave > 0) {
        for (const launch& l : launches) l.between();
      }
      grouped(launches.front().group().whole(), [&] {
        for (const launch& l : launches) l.issue(wave);
      });
    }
  }
  for (launch& l : launches) {
    l.finish();
    l.group().journal().add(l.what(), l.stream(), l.captured(), l.scratch_bytes() > 0);
  }
}

}  // namespace detail

/// Enqueues launches, each of another GPU of this process, wave by wave: one group of NCCL calls a wave. The host waits
/// for other ranks only where NCCL connects them, at first uses, and at most for `timeout`. If NCCL fails halfway, the
/// groups are of no use any more.
inline void run(std::span<launch> launches, std::chrono::milliseconds timeout) {
  detail::provide(launches, timeout);
  for (launch& l : launches) l.place(l.group().scratch().data());
  try {
    if (detail::is_first_use(launches)) {
      const detail::native_bytes_counter taken(launches);
      within_deadline(detail::groups_of(launches), timeout, "connecting the ranks", [&] { detail::issue(launches); });
      taken.count();
    } else {
      detail::issue(launches);
    }
  } catch (const std::exception& why) {
    for (launch& l : launches) l.group().failure()->set(why.what());
    throw;
  }
}

}  // namespace mics::nccl
