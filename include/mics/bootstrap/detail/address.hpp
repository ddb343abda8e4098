#pragma once

#include <memory>
#include <string>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <mics/bootstrap/detail/descriptor.hpp>

namespace mics::bootstrap::detail {

struct free_addresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using addresses = std::unique_ptr<addrinfo, free_addresses>;

/// The addresses of a host name or number; empty, and `why` in words, when it is not known (yet).
inline addresses resolve(const std::string& host, int port, int flags, std::string& why) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (code != 0) {
    why = ::gai_strerror(code);
    return {};
  }
  return addresses(found);
}

inline void set_option(const descriptor& of, int level, int name, int value) noexcept {
  ::setsockopt(of.get(), level, name, &value, sizeof value);  // a wish: without it all is slower, but right
}

/// Small messages leave at once, and a host that vanished without a word is noticed after 15 s.
inline void tune(const descriptor& connection) noexcept {
  set_option(connection, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(connection, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
  set_option(connection, IPPROTO_TCP, TCP_KEEPIDLE, 5);
  set_option(connection, IPPROTO_TCP, TCP_KEEPINTVL, 2);
  set_option(connection, IPPROTO_TCP, TCP_KEEPCNT, 5);
#endif
#ifdef TCP_USER_TIMEOUT
  set_option(connection, IPPROTO_TCP, TCP_USER_TIMEOUT, 15'000);
#endif
}

}  // namespace mics::bootstrap::detail
