#pragma once

#include <string>

#include <nccl.h>

#include <mics/error.hpp>
#include <mics/transport/nccl/native/result.hpp>

namespace mics::nccl {

static_assert(NCCL_VERSION_CODE >= NCCL_VERSION(2, 18, 0), "mics::nccl needs NCCL 2.18 or newer, which splits groups");

/// The release of NCCL that runs, counted as NCCL_VERSION_CODE is. The program may have been built with another one.
inline int library_version() {
  int version = 0;
  check(ncclGetVersion(&version), "ncclGetVersion");
  return version;
}

/// "2.28" of 22803.
inline std::string words_of_version(int version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100);
}

/// What not every NCCL has that the library gets along with: there only if both the headers that the program was built
/// with and the library that runs have it.
struct library_features {
  bool allocator = false;     ///< ncclMemAlloc (2.19)
  bool windows = false;       ///< the ranks of a node reach each other's registered buffers (2.27)
  bool copy_engines = false;  ///< collectives that need no multiprocessor (2.28)

  /// Throws usage_error if the library that runs is older than all that mics::nccl gets along with.
  static library_features here() {
    const int runs = library_version();
    const auto has = [runs](int since) { return NCCL_VERSION_CODE >= since && runs >= since; };
    if (runs < NCCL_VERSION(2, 18, 0)) {
      throw usage_error("NCCL " + words_of_version(runs) +
                        " runs; mics::nccl needs 2.18 or newer, which splits groups");
    }
    return {has(NCCL_VERSION(2, 19, 0)), has(NCCL_VERSION(2, 27, 0)), has(NCCL_VERSION(2, 28, 0))};
  }
};

}  // namespace mics::nccl
