#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>

#include <mics/types.hpp>

namespace perf {

/// What this program needs of a transport: `run(f)` calls f(station) on every rank of this process and returns when all
/// ended;
/// whether all ranks read one clock and share one address space; and the bytes into the busiest node, if it counts
/// them.
template <class L>
concept launcher = requires(L& l, mics::operation op) {
  { L::shared_clock } -> std::convertible_to<bool>;
  { L::shared_memory } -> std::convertible_to<bool>;
  { l.name() } -> std::convertible_to<std::string>;
  l.reset_traffic();
  { l.into_busiest_node(op) } -> std::same_as<std::optional<std::uint64_t>>;
};

}  // namespace perf
