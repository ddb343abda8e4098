#pragma once

#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mics/bootstrap/detail/descriptor.hpp>

namespace mics::bootstrap::detail {

/// A number that the kernel draws when it starts; empty where there is none.
inline std::string boot_id() {
  const descriptor file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  char text[64];
  const ssize_t size = file ? ::read(file.get(), text, sizeof text) : 0;
  return size > 1 ? std::string(text, static_cast<std::size_t>(size - 1)) : std::string();
}

/// Tells hosts apart: the name alone may be given twice, and containers of one machine share its boot id.
inline std::string host_identity(bool by_network_namespace) {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  std::string identity = std::string(name) + " " + boot_id();
  struct stat net {};
  if (by_network_namespace && ::stat("/proc/self/ns/net", &net) == 0) identity += " " + std::to_string(net.st_ino);
  return identity;
}

}  // namespace mics::bootstrap::detail
