#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <mics/bootstrap/detail/descriptor.hpp>
#include <mics/bootstrap/detail/frame.hpp>

namespace mics::bootstrap::detail {

/// A frame as it goes over the wire; all connections that it is sent on share one.
using packet = std::shared_ptr<const bytes>;

inline packet pack(message kind, byte_view body = {}) {
  bytes framed;
  append_frame(framed, kind, body);
  return std::make_shared<const bytes>(std::move(framed));
}

/// One connection that carries frames both ways and never blocks: what cannot be sent yet waits in memory.
class link {
 public:
  /// A connected socket; messages larger than `limit` end the connection.
  link(descriptor socket, std::size_t limit) : socket_(std::move(socket)), in_(limit) {}

  void limit(std::size_t most) noexcept { in_.limit(most); }

  /// Queues a frame; write() sends it.
  void post(packet framed) {
    if (!ended()) out_.push_back(std::move(framed));
  }
  void post(message kind, byte_view body = {}) { post(pack(kind, body)); }

  /// What poll() should look for.
  [[nodiscard]] pollfd interest() const noexcept {
    return {ended() ? -1 : socket_.get(), static_cast<short>(POLLIN | (flushed() ? 0 : POLLOUT)), 0};
  }
  [[nodiscard]] bool flushed() const noexcept { return out_.empty(); }

  /// Takes in what has arrived.
  void read() {
    if (ended()) return;
    std::byte buffer[16 * 1024];
    for (int turn = 0; turn < 64; ++turn) {  // others are waiting for their turn too
      const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
      if (got > 0) {
        in_.feed(byte_view(buffer, static_cast<std::size_t>(got)));
        continue;
      }
      if (got == 0) return end("the connection was closed");
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      return end(std::strerror(errno));
    }
  }

  /// The next message that is wholly there; may still give some after the connection has ended.
  [[nodiscard]] std::optional<frame> next() {
    std::optional<frame> found = in_.next();
    if (!in_.fault().empty()) {
      socket_.reset();
      why_ = "it sent " + in_.fault();  // says more than that it then closed
    }
    return found;
  }

  /// Sends what the socket takes now.
  void write() {
    while (!ended() && !flushed()) {
      const byte_view rest = byte_view(*out_.front()).subspan(sent_);
      const ssize_t put = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (put >= 0) {
        sent_ += static_cast<std::size_t>(put);
        if (sent_ == out_.front()->size()) next_packet();
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return;
      } else if (errno == EPIPE || errno == ECONNRESET) {
        out_.clear();  // nobody listens any more, but what the other side said before it went is still to be read
      } else if (errno != EINTR) {
        return end(std::strerror(errno));
      }
    }
  }

  /// Tells the other side that nothing more will come; what it sends can still be read.
  void finish() noexcept {
    if (!ended()) ::shutdown(socket_.get(), SHUT_WR);
  }

  void end(const std::string& why) {
    if (ended()) return;
    why_ = why;
    socket_.reset();
  }
  [[nodiscard]] bool ended() const noexcept { return !socket_; }
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

 private:
  void next_packet() {
    out_.pop_front();
    sent_ = 0;
  }

  descriptor socket_;
  frame_reader in_;
  std::deque<packet> out_{};
  std::size_t sent_ = 0;  ///< how much of the first one is gone
  std::string why_{};
};

}  // namespace mics::bootstrap::detail
