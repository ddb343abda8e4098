#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <mics/bootstrap/detail/wire.hpp>

namespace mics::bootstrap::detail {

/// What a message means; the comment says who sends it, and what is in it.
enum class message : std::uint32_t {
  challenge = 1,  ///< rank 0, first thing on a connection: a number never used before
  hello,          ///< others: who I am, and the proof that I know the job's secret
  refused,        ///< rank 0: why not
  accepted,       ///< rank 0: the proof that it knows the secret too
  layout,         ///< rank 0, when all have come: the node of every rank
  contribution,   ///< others: an operation is called
  verdict,        ///< rank 0: how the operation ended
  failure,        ///< all: a rank failed, and why
  goodbye,        ///< all: the session is closed in order
};

struct frame {
  message kind{};
  bytes body{};
};

inline constexpr std::uint32_t frame_mark = 0x3253434du;  // "MCS2": the last letter is the version of the protocol
inline constexpr std::size_t frame_header = 12;           // mark, kind, length of the body

inline constexpr std::size_t largest_greeting = 4 * 1024;  // until a connection has proved who it is
inline constexpr std::size_t largest_value = 1024 * 1024;  // what one rank contributes to an operation
inline constexpr std::size_t largest_contribution = largest_value + 64;
inline constexpr std::size_t largest_frame = 0xffff'ffffu;
inline constexpr std::size_t largest_result = largest_frame - 1024;

inline void append_frame(bytes& out, message kind, byte_view body) {
  writer header;
  header.number(frame_mark).number(static_cast<std::uint32_t>(kind)).number(static_cast<std::uint32_t>(body.size()));
  out.insert(out.end(), header.view().begin(), header.view().end());
  out.insert(out.end(), body.begin(), body.end());
}

/// Cuts a stream of bytes into frames. Memory grows with what has arrived, never with what a header announces.
class frame_reader {
 public:
  explicit frame_reader(std::size_t limit) noexcept : limit_(limit) {}

  /// The largest body taken from now on.
  void limit(std::size_t most) noexcept { limit_ = most; }

  void feed(byte_view arrived) { in_.insert(in_.end(), arrived.begin(), arrived.end()); }

  /// The next whole frame; none while one is half there, and none any more after a fault().
  [[nodiscard]] std::optional<frame> next() {
    if (!fault_.empty() || in_.size() - start_ < frame_header) return std::nullopt;
    reader header(byte_view(in_).subspan(start_, frame_header));
    const auto mark = header.number<std::uint32_t>();
    const auto kind = static_cast<message>(header.number<std::uint32_t>());
    const std::size_t length = header.number<std::uint32_t>();
    if (mark != frame_mark || kind < message::challenge || kind > message::goodbye) {
      fault_ = other_version(mark) ? "a message of another version of mics; allowed: the same on every rank"
                                   : "a message in another protocol";
      return std::nullopt;
    }
    if (length > limit_) {
      fault_ = "a message of " + std::to_string(length) + " bytes where " + std::to_string(limit_) + " are allowed";
      return std::nullopt;
    }
    if (in_.size() - start_ < frame_header + length) return std::nullopt;
    const byte_view body = byte_view(in_).subspan(start_ + frame_header, length);
    frame whole{kind, bytes(body.begin(), body.end())};
    start_ += frame_header + length;
    compact();
    return whole;
  }

  /// What was wrong with the stream; empty: nothing.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  static bool other_version(std::uint32_t mark) noexcept {
    return mark != frame_mark && (mark & 0xffffffu) == (frame_mark & 0xffffffu);
  }

  void compact() {
    if (start_ < in_.size() && start_ < 64 * 1024) return;
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(start_));
    start_ = 0;
  }

  std::size_t limit_;
  bytes in_{};
  std::size_t start_ = 0;  ///< where the next frame begins
  std::string fault_{};
};

}  // namespace mics::bootstrap::detail
