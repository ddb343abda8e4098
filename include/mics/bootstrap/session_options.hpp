#pragma once

#include <chrono>
#include <string>

namespace mics::bootstrap {

/// Choices of one rank; nothing but the secret (see environment) has to be the same on all.
struct session_options {
  std::chrono::milliseconds timeout{300'000};       ///< deadline of every operation
  std::chrono::milliseconds join_timeout{300'000};  ///< how long rendezvous() waits for the other ranks
  std::string node_id{};                            ///< when not empty: instead of the environment's
  bool node_by_network_namespace = false;           ///< network namespaces of one host count as nodes of their own
};

}  // namespace mics::bootstrap
