#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mics/collectives/all_gather.hpp>
#include <mics/collectives/host_gather.hpp>
#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/topology/rank_range.hpp>

namespace mics::detail {

/// The micro-steps that every rank of a replication group counts. Hop 1 cannot see that two partition groups took
/// different numbers of them, and the divisor would be wrong in silence.
struct micro_step_counts {
  std::vector<std::uint64_t> own;
  std::vector<std::uint64_t> all;
  rank_range members;
  error_context where;

  void require_equal() const {
    for (std::size_t i = 1; i < all.size(); ++i) {
      if (all[i] == all[0]) continue;
      throw usage_error("the ranks disagree about the number of micro-steps: rank " + std::to_string(members[0]) +
                            " accumulated " + std::to_string(all[0]) + ", rank " +
                            std::to_string(members[static_cast<int>(i)]) + " accumulated " + std::to_string(all[i]),
                        where);
    }
  }
};

/// Collective over the replication group, 8 bytes a rank; throws usage_error on all of its ranks when they disagree.
template <communicator C>
void require_same_micro_steps(const C& replication, const rank_range& members, std::uint64_t own, error_context where) {
  micro_step_counts{{own}, gather_numbers(replication, {own}), members, std::move(where)}.require_equal();
}

/// The same in the order of a stream, where the failure then appears; at once where streams run no code of the host.
template <communicator C>
void require_same_micro_steps(const C& replication, const rank_range& members, std::uint64_t own, error_context where,
                              stream_of<C> stream) {
  if constexpr (gathers_numbers<C>) {
    require_same_micro_steps(replication, members, own, std::move(where));
  } else {
    auto counts = std::make_shared<micro_step_counts>(micro_step_counts{
        {own}, std::vector<std::uint64_t>(static_cast<std::size_t>(members.size)), members, std::move(where)});
    all_gather(replication, counts->own, counts->all, stream);
    stream.enqueue([counts] { counts->require_equal(); });
  }
}

}  // namespace mics::detail
