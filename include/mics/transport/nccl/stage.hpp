#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace mics::nccl {

/// The communicators that the stages of a hierarchical operation run in.
enum class stage {
  whole,         ///< the group itself
  rail,          ///< between nodes
  node,          ///< inside a node
  windows,       ///< inside a node too, for registered memory: ranks reach each other's buffers
  copy_engines,  ///< likewise, without taking a multiprocessor from computation
};

namespace detail {
inline constexpr std::array<std::string_view, 5> stage_names{"", "rail stage", "node stage", "node stage by windows",
                                                             "node stage by copy engines"};
}  // namespace detail

/// A stage in an error's words; the group itself is no stage.
constexpr std::string_view name_of(stage s) noexcept { return detail::stage_names[static_cast<std::size_t>(s)]; }

}  // namespace mics::nccl
