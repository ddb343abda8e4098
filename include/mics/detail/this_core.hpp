#pragma once

#include <cstdint>

#if defined(__linux__)
#include <sched.h>
#endif

namespace mics::detail {

/// The core that this thread runs on; where that cannot be asked, the same for all. Takes a few nanoseconds.
inline std::uint64_t this_core() noexcept {
#if defined(__linux__)
  return static_cast<std::uint64_t>(sched_getcpu());
#else
  return 0;
#endif
}

}  // namespace mics::detail
