#pragma once

#include <span>

#include <mics/transport/nccl/group/member.hpp>
#include <mics/transport/nccl/native/device.hpp>
#include <mics/transport/nccl/native/grouped.hpp>

namespace mics::nccl {

/// Splits off one stage's communicator in groups that want and lack it. Several groups are those of several GPUs of
/// this process, which is why their communicators are made as one. Collective over each, and waits on the host without
/// a deadline of its own.
inline void make_stage(std::span<member* const> groups, stage s) {
  if (groups.empty()) return;
  const auto end = [&](bool made) {
    for (member* const group : groups) group->end_stage(made);
  };
  const auto where = [&] { return groups.front()->where("split"); };
  try {
    grouped(groups.front()->whole(), where, [&] {
      for (member* const group : groups) {
        const device_scope current(group->device());
        group->begin_stage(s);
      }
    });
  } catch (...) {
    end(false);
    throw;
  }
  end(true);
}

}  // namespace mics::nccl
