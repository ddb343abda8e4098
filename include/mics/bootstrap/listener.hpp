#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <mics/bootstrap/detail/address.hpp>
#include <mics/bootstrap/detail/descriptor.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap {

/// The socket on which rank 0 awaits the others. Who makes it before the others start may leave the port to the
/// system, and knows that no other process can take it in between.
class listener {
 public:
  /// Listens on `address`:`port`; port 0: a free one, see port().
  /// - A number or "localhost": on this address only. A name, or an address that no interface of this host has (behind
  ///   address translation): on all interfaces, since a host's own name often leads to its loopback.
  /// - Throws transport_error, with the address and the port, when that is not possible.
  [[nodiscard]] static listener on(const std::string& address, int port) {
    std::string why;
    const bool numeric = address == "localhost" || detail::resolve(address, port, AI_NUMERICHOST, why) != nullptr;
    if (numeric && !address.empty()) {
      if (detail::descriptor bound = bind_first(address, port, why)) return listener(std::move(bound));
      if (errno != EADDRNOTAVAIL) refuse(address, port, why);
    }
    detail::descriptor bound = bind_first("", port, why);
    if (!bound) refuse(address, port, why);
    return listener(std::move(bound));
  }

  [[nodiscard]] int port() const {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
      detail::throw_system("the port of a listening socket could not be read");
    }
    return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  }

  [[nodiscard]] int native() const noexcept { return socket_.get(); }

  /// A connection that waits to be taken; none when there is none. Throws transport_error when no descriptor is left.
  [[nodiscard]] detail::descriptor accept() const {
    detail::descriptor taken(::accept(socket_.get(), nullptr, nullptr));
    if (taken) {
      detail::set_flags(taken);
      detail::tune(taken);
    } else if (errno == EMFILE || errno == ENFILE) {
      detail::throw_system("rank 0 needs one descriptor for each rank, more than it may open (see ulimit -n)");
    }
    return taken;
  }

 private:
  explicit listener(detail::descriptor socket) noexcept : socket_(std::move(socket)) {}

  /// Leaves the reason in `why` and in errno. On all interfaces IPv6 goes first: it takes IPv4 connections too.
  static detail::descriptor bind_first(const std::string& host, int port, std::string& why) {
    const detail::addresses list = detail::resolve(host, port, AI_PASSIVE, why);
    int code = EADDRNOTAVAIL;
    for (const int family : {host.empty() ? AF_INET6 : AF_INET, host.empty() ? AF_INET : AF_INET6}) {
      for (const addrinfo* at = list.get(); at != nullptr; at = at->ai_next) {
        if (at->ai_family != family) continue;
        detail::descriptor socket(::socket(at->ai_family, at->ai_socktype, at->ai_protocol));
        if (socket) {
          detail::set_flags(socket);
          detail::set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
          if (family == AF_INET6) detail::set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
          if (::bind(socket.get(), at->ai_addr, at->ai_addrlen) == 0 && ::listen(socket.get(), SOMAXCONN) == 0) {
            return socket;
          }
        }
        code = errno;
        why = std::strerror(code);
      }
    }
    errno = code;
    return {};
  }

  [[noreturn]] static void refuse(const std::string& address, int port, const std::string& why) {
    throw transport_error("rank 0 cannot listen on " + address + ":" + std::to_string(port) +
                              "; when another program holds the port, set MICS_MASTER_PORT to a free one, the same on "
                              "every rank",
                          {.rank = 0, .stage = "rendezvous", .native = why});
  }

  detail::descriptor socket_;
};

}  // namespace mics::bootstrap
