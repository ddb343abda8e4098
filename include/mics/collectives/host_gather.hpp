#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <mics/collectives/all_gather.hpp>
#include <mics/collectives/launch.hpp>
#include <mics/communicator.hpp>

namespace mics::detail {

/// A communicator whose collectives cannot read the host's memory has a way of its own to compare numbers of the ranks.
template <class C>
concept gathers_numbers = requires(const C& comm, std::span<const std::uint64_t> own) {
  { comm.gather_numbers(own) } -> std::same_as<std::vector<std::uint64_t>>;
};

/// Every rank's numbers on every host, rank by rank; all bring equally many. Collective, blocking.
template <communicator C>
std::vector<std::uint64_t> gather_numbers(const C& comm, const std::vector<std::uint64_t>& own) {
  if constexpr (gathers_numbers<C>) {
    return comm.gather_numbers(own);
  } else {
    std::vector<std::uint64_t> all(own.size() * static_cast<std::size_t>(comm.size()));
    collective_options options;
    if constexpr (chooses_small_gather<C>) options.how = comm.small_gather().how;
    all_gather(comm, own, all, options);
    return all;
  }
}

}  // namespace mics::detail
