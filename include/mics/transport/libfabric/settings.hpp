#pragma once

#include <chrono>
#include <string>

namespace mics::libfabric {

/// Choices of a world; every rank must make the same ones. Groups split off inherit them.
struct settings {
  std::string name = "world";
  std::chrono::milliseconds timeout{30'000};  ///< deadline of every wait, and of each exchange that makes the world
#ifdef NDEBUG                                 // build all translation units of a program alike
  bool checked = false;                       ///< compare every call among all ranks before data move
#else
  bool checked = true;
#endif
  std::string provider{};    ///< libfabric's name of it; empty: MICS_FABRIC_PROVIDER, else the best one that is present
  std::string address{};     ///< the own one, between nodes; empty: MICS_FABRIC_ADDRESS, else the provider's choice
  bool one_sided = true;     ///< peers write into final slots where the provider can; else they send tagged messages
  bool share_memory = true;  ///< inside a node through shared memory; else through the provider too
};

}  // namespace mics::libfabric
