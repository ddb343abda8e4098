#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <mics/bootstrap/detail/address.hpp>
#include <mics/bootstrap/detail/deadline.hpp>
#include <mics/bootstrap/detail/handshake.hpp>
#include <mics/bootstrap/detail/link.hpp>
#include <mics/bootstrap/detail/seat.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap::detail {

/// The side of a rank other than 0: connects, proves who it is, and waits until all have come. Whatever answers but
/// is not rank 0 of this job (another program on the port, an old job that ends) is tried again until the deadline.
class client {
 public:
  client(std::string host, int port, siphash_key key, introduction self, time_point end)
      : host_(std::move(host)), port_(port), key_(key), self_(std::move(self)), end_(end) {}

  /// Throws usage_error when rank 0 turns this rank away, timeout_error when not all ranks have come in time.
  [[nodiscard]] meeting join() {
    while (true) {
      if (std::optional<meeting> made = attempt()) return std::move(*made);
      if (clock::now() + pause >= end_) {
        throw timeout_error(
            "rank 0 could not be reached at " + host_ + ":" + std::to_string(port_) + " in time: " + why_, where());
      }
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  static constexpr std::chrono::milliseconds pause{50};
  static constexpr std::chrono::seconds connect_time{5};

  [[nodiscard]] error_context where() const { return {.rank = self_.rank, .stage = "rendezvous"}; }

  /// None: not reached, the reason is in why_.
  std::optional<meeting> attempt() {
    descriptor socket = connect_any();
    if (!socket) return std::nullopt;
    tune(socket);
    link to_rank_0(std::move(socket), largest_greeting);
    const std::optional<frame> challenge = expect(to_rank_0, message::challenge, greeting_end());
    reader challenged(challenge ? byte_view(challenge->body) : byte_view());
    const nonce theirs = read_nonce(challenged);
    if (!challenged.complete()) return std::nullopt;

    self_.own = fresh_nonce();
    self_.patience_ms = static_cast<std::uint64_t>(remaining(end_).count());
    to_rank_0.post(message::hello, write_hello(key_, self_, theirs));
    const std::optional<frame> accepted = expect(to_rank_0, message::accepted, greeting_end());
    if (!accepted) return std::nullopt;
    reader answer(accepted->body);
    if (answer.number<std::uint64_t>() != proof_of_rank_0(key_, self_, theirs) || !answer.complete()) {
      why_ = "what answers there does not know the secret of this job";
      return std::nullopt;
    }
    to_rank_0.limit(largest_frame);
    return await_others(std::move(to_rank_0));
  }

  std::optional<meeting> await_others(link to_rank_0) {
    const std::optional<frame> said = expect(to_rank_0, message::layout, end_ + verdict_grace);
    if (!said) return std::nullopt;
    reader layout(said->body);
    meeting made;
    for (int rank = 0; rank < self_.world_size; ++rank) made.node_of.push_back(layout.rank());
    if (!layout.complete()) throw transport_error("rank 0 sent a malformed layout of the nodes", where());
    made.seats.push_back({0, std::move(to_rank_0)});
    return made;
  }

  /// Rank 0 answers a greeting at once, unless it or the network is in trouble.
  [[nodiscard]] time_point greeting_end() const { return std::min(end_, clock::now() + connect_time); }

  /// The next message, if it is of this kind. A refusal throws.
  std::optional<frame> expect(link& from, message kind, time_point until) {
    while (true) {
      from.write();
      from.read();
      std::optional<frame> said = from.next();
      if (said && said->kind == kind) return said;
      if (said && said->kind == message::refused && kind != message::challenge) be_refused(*said);
      if (said) why_ = "what answers there is not rank 0 of a job";
      if (!said && from.ended()) why_ = from.why();
      const bool late = clock::now() >= until;
      const bool cut_short = until == end_ && !why_.empty();  // an attempt before it says more
      if (!said && !from.ended() && late && !cut_short) why_ = "it does not answer";
      if (said || from.ended() || late) return std::nullopt;
      pollfd look = from.interest();
      if (::poll(&look, 1, poll_milliseconds(until)) < 0 && errno != EINTR) throw_system("waiting for rank 0 failed");
    }
  }

  [[noreturn]] void be_refused(const frame& said) const {
    reader in(said.body);
    const auto kind = static_cast<refusal>(in.number<std::uint8_t>());
    const std::string why = in.text();
    if (kind == refusal::timeout) throw timeout_error(why, where());
    throw usage_error("rank 0 at " + host_ + ":" + std::to_string(port_) + " refused this rank: " + why, where());
  }

  descriptor connect_any() {
    const addresses list = resolve(host_, port_, 0, why_);
    for (const addrinfo* at = list.get(); at != nullptr; at = at->ai_next) {
      descriptor socket(::socket(at->ai_family, at->ai_socktype, at->ai_protocol));
      if (!socket) {
        why_ = std::strerror(errno);
        continue;
      }
      set_flags(socket);
      if (const int code = connect_one(socket, *at); code != 0) {
        why_ = std::strerror(code);
      } else if (!connected_to_itself(socket)) {
        return socket;
      }
    }
    return {};
  }

  [[nodiscard]] int connect_one(const descriptor& socket, const addrinfo& to) const {
    if (::connect(socket.get(), to.ai_addr, to.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS && errno != EINTR) return errno;
    const time_point until = greeting_end();
    pollfd look{socket.get(), POLLOUT, 0};
    int ready = 0;
    while ((ready = ::poll(&look, 1, poll_milliseconds(until))) < 0 && errno == EINTR) {
    }
    if (ready <= 0) return ETIMEDOUT;
    int code = 0;
    socklen_t size = sizeof code;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size);
    return code;
  }

  /// TCP lets a socket that looks for a free port of its own host meet itself there, and then nobody else can listen.
  [[nodiscard]] bool connected_to_itself(const descriptor& socket) {
    sockaddr_storage here{};
    sockaddr_storage there{};
    socklen_t size_here = sizeof here;
    socklen_t size_there = sizeof there;
    const bool known = ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&here), &size_here) == 0 &&
                       ::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&there), &size_there) == 0;
    if (!known || size_here != size_there || std::memcmp(&here, &there, size_here) != 0) return false;
    why_ = "nobody listens there yet";
    return true;
  }

  const std::string host_;
  const int port_;
  const siphash_key key_;
  introduction self_;
  const time_point end_;
  std::string why_ = "it was not tried";
};

}  // namespace mics::bootstrap::detail
