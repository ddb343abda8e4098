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
#include <mics/transport/nccl/group/host_watch.hpp>
#include <mics/transport/nccl/group/make_stage.hpp>
#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/group/native_bytes.hpp>
#include <mics/transport/nccl/launch/launch.hpp>
#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/native/grouped.hpp>

namespace mics::nccl {

namespace detail {

inline std::vector<member*> groups_of(std::span<launch> launches) {
  std::vector<member*> groups;
  for (const launch& l : launches) groups.push_back(&l.group());
  return groups;
}

/// What the launches are doing on the host, in an error's words.
inline error_context doing(std::span<launch> launches, const char* stage) {
  error_context known = launches.front().where();
  known.stage = stage;
  return known;
}

/// The groups that want a stage's communicator and lack it.
inline std::vector<member*> lacking(std::span<launch> launches, stage s) {
  std::vector<member*> groups;
  for (const launch& l : launches) {
    bool wanted = false;
    l.for_each_stage([&](stage its) { wanted = wanted || its == s; });
    if (wanted && !l.group().has(s)) groups.push_back(&l.group());
  }
  return groups;
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
  const native_bytes_counter taken(groups_of(launches));
  within_deadline(groups_of(launches), timeout, doing(launches, "splitting off the groups of its stages"), [&] {
    for (const stage s : {stage::rail, stage::node, stage::windows, stage::copy_engines}) {
      make_stage(lacking(launches, s), s);
    }
  });
  taken.count();
  for (const launch& l : launches) {
    const device_scope current(l.group().device());
    l.group().scratch().reserve(l.scratch_bytes());
    if (l.overlaps() && !l.group().lane().exists()) l.group().lane().make();
  }
}

/// May NCCL connect ranks for any of the launches, because nothing like it has run before? It does so during a capture
/// too, on the host.
inline bool is_first_use(std::span<launch> launches) {
  bool first = false;
  for (launch& l : launches) {
    const bool its_first = l.first_use();
    first = first || its_first;
  }
  return first;
}

/// The NCCL calls of the launches, the sums between them, and the copies around them.
inline void issue(std::span<launch> launches) {
  int last = 0;
  for (launch& l : launches) {
    last = std::max(last, l.last_wave());
    const stream_scope meant(l.stream(), l.group().device());
    if (!l.captured()) l.group().family().journal().begin(l.group(), l.stream());
    if (l.scratch_bytes() > 0 && !l.captured()) l.group().scratch().await(l.stream());
    l.begin();
  }
  if (launches.size() == 1 && launches.front().is_one_native_call()) {
    launches.front().issue(0);
  } else {
    for (int wave = 0; wave <= last; ++wave) {
      if (wave > 0) {
        for (const launch& l : launches) {
          const stream_scope meant(l.stream(), l.group().device());
          l.between();
        }
      }
      grouped(
          launches.front().group().whole(), [&] { return launches.front().where(); },
          [&] {
            for (const launch& l : launches) l.issue(wave);
          });
      for (const launch& l : launches) l.add_up(wave);
    }
  }
  for (launch& l : launches) {
    const stream_scope meant(l.stream(), l.group().device());
    l.finish();
    l.group().note(l.what(), l.stream(), l.captured());
    if (l.scratch_bytes() == 0 || l.captured()) continue;
    const device_scope current(l.group().device());
    l.group().scratch().used(l.stream());
  }
}

}  // namespace detail

/// Enqueues launches, each of another GPU of this process, wave by wave: one group of NCCL calls a wave. The host waits
/// for other ranks only where NCCL connects them, at first uses, and at most for `timeout`. If NCCL fails halfway, the
/// groups are of no use any more.
inline void run(std::span<launch> launches, std::chrono::milliseconds timeout) {
  detail::provide(launches, timeout);
  const auto enqueue = [&] {
    for (launch& l : launches) l.place(l.group().scratch().data());
    detail::issue(launches);
  };
  try {
    if (detail::is_first_use(launches)) {
      const bool captured = std::any_of(launches.begin(), launches.end(), [](const launch& l) { return l.captured(); });
      const native_bytes_counter taken(captured ? std::vector<member*>() : detail::groups_of(launches));
      within_deadline(detail::groups_of(launches), timeout, detail::doing(launches, "connecting the ranks"), enqueue);
      taken.count();
    } else {
      const native_calls under_way(launches);
      enqueue();
    }
  } catch (const std::exception& why) {
    for (launch& l : launches) l.group().failure()->set(why.what());
    throw;
  }
}

}  // namespace mics::nccl
