#pragma once

#include <chrono>
#include <string>

namespace mics::bootstrap {

/// Choices of one rank; nothing but the secret (see environment) has to be the same on all.
struct session_options {
  /// Deadline of the session's operations that are given none. Longer than that of collectives, since they serve the
  /// start of a job: ranks may come to them minutes apart, from a file system that all read at once, say. (To make a
  /// world over libfabric goes by libfabric::settings::timeout instead.)
  std::chrono::milliseconds timeout{300'000};
  std::chrono::milliseconds join_timeout{300'000};  ///< how long rendezvous() waits for the other ranks to start
  std::string node_id{};                            ///< when not empty: instead of the environment's
  bool node_by_network_namespace = false;           ///< network namespaces of one host count as nodes of their own
};

}  // namespace mics::bootstrap
