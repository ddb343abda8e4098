#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <mics/options.hpp>

#include "exchange.hpp"

namespace perf {

/// How the numbers of all ranks become one.
enum class fold { min, max, sum };

/// What a measurement needs of one rank: its group, its memory, when a call begins and ends, and small exchanges
/// between hosts. Nothing else in this program knows how ranks run and where their buffers lie.
template <class S>
concept station = requires(S& s, const exchange& call, const mics::collective_options& how, std::size_t bytes,
                           std::span<std::byte> data, std::vector<std::int64_t>& numbers) {
  typename S::memory_type;  ///< buffers that the transport moves
  { s.make_memory(bytes) } -> std::same_as<typename S::memory_type>;
  { s.rank() } -> std::same_as<int>;                                 ///< in the world
  s.group();                                                         ///< the partition group
  s.align();                                                         ///< returns once all ranks have come here
  s.start(call, how);                                                ///< the library's call
  { s.library_below(call) } -> std::same_as<std::function<void()>>;  ///< the same without this library, or usage_error
  s.finish();                                                        ///< returns once what was started has ended
  s.zero(data);
  s.fold_numbers(numbers, fold::max);               ///< over all ranks, on every rank
  { s.host_view(call) } -> std::same_as<exchange>;  ///< where the host reads and writes the call's data
  s.upload(call, call);                             ///< from host view to call
  s.download(call, call);                           ///< from call to host view
};

}  // namespace perf
