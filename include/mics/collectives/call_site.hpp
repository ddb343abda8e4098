#pragma once

#include <string>

#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/types.hpp>

namespace mics::detail {

/// Who calls: all that a call needs of its communicator before it is planned.
struct call_site {
  int rank;
  int size;
  int world_rank;
  const std::string* group;

  template <communicator C>
  explicit call_site(const C& comm)
      : rank(comm.rank()), size(comm.size()), world_rank(comm.world_rank()), group(&comm.name()) {}

  /// Throws usage_error unless `holds`; `what()` makes the message.
  template <class What> void require(bool holds, operation in, What what) const {
    if (holds) return;
    throw usage_error(what(), {.rank = world_rank, .group = *group, .operation = std::string(name_of(in))});
  }
};

}  // namespace mics::detail
