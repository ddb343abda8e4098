#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include <mics/transport/libfabric/known_memory.hpp>
#include <mics/transport/libfabric/node/channel.hpp>
#include <mics/transport/libfabric/node/neighbour.hpp>

namespace mics::libfabric {

/// One rank's two ends of the channels to a neighbour in one lane. Used by one thread at a time.
class node_link {
 public:
  node_link(node_channel& out, node_channel& in, neighbour& peer) : out_(&out), in_(&in), peer_(&peer) {}

  // ---- sending

  /// What became of a message that was offered.
  enum class offer { refused, taken, lent, cut };

  /// Taken: it has been copied. Lent: the reader uses it in place, until `read_up_to(sent())`. Cut: `pump()` copies it
  /// piece by piece, until `pumped()`.
  offer try_send(std::span<const std::byte> bytes, const known_memory::view& known) {
    if (!pumped() || !out_->has_room(sent_)) return offer::refused;
    if (bytes.size() >= node_channel::lent_from) {
      if (const known_range* const r = known.shared(bytes)) {
        out_->put_loan(sent_++, r->region, static_cast<std::size_t>(bytes.data() - r->begin), bytes.size());
        peer_->has_news();
        return offer::lent;
      }
    }
    left_ = bytes;
    total_ = bytes.size();
    pump();
    return pumped() ? offer::taken : offer::cut;
  }

  [[nodiscard]] bool pumped() const noexcept { return left_.empty(); }

  /// Copies as many pieces as there is room for; false if none.
  bool pump() noexcept {
    bool moved = false;
    while (!left_.empty() && out_->has_room(sent_)) {
      const std::size_t bytes = std::min(left_.size(), node_channel::chunk_bytes);
      out_->put_copy(sent_++, left_.first(bytes), total_);
      left_ = left_.subspan(bytes);
      moved = true;
    }
    if (moved) peer_->has_news();
    return moved;
  }

  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] bool read_up_to(std::uint64_t number) const noexcept { return out_->was_read_up_to(number); }

  // ---- receiving

  /// Before a launch: the last one may have ended before all its messages had been expected.
  void begin() noexcept { expected_ = done_; }

  /// Where the next message belongs that nobody has expected yet; false: too far ahead.
  bool expect(std::span<std::byte> into) noexcept {
    if (expected_ >= done_ + ahead) return false;
    places_[expected_++ % ahead] = into;
    return true;
  }

  /// The oldest message, once all of it is here. `wrong_size(bytes)` is called when it has another size, and throws.
  template <class WrongSize> const std::byte* arrival(std::size_t bytes, WrongSize wrong_size) {
    if (got_ == bytes) return assembled_;
    const node_channel::content* m = in_->peek(taken_);
    if (m == nullptr) return nullptr;
    if (m->total != bytes) wrong_size(m->total);
    if (m->how == node_channel::form::lent) return peer_->resolve(*m);
    if (m->bytes == m->total) return in_->copy_of(taken_);
    if (got_ == 0) assembled_ = place_for(bytes);
    for (; m != nullptr && got_ < bytes; m = in_->peek(taken_)) {
      std::memcpy(assembled_ + got_, in_->copy_of(taken_), m->bytes);
      got_ += m->bytes;
      in_->read_up_to(++taken_);
      moved_ = true;
      peer_->has_news();
    }
    return got_ == bytes ? assembled_ : nullptr;
  }

  void release() noexcept {
    ++done_;
    if (got_ == 0) {
      in_->read_up_to(++taken_);
      peer_->has_news();
    } else {
      got_ = 0;  // its pieces have been given back already
    }
  }

  /// Have pieces arrived since the last look?
  bool moved() noexcept { return std::exchange(moved_, false); }

 private:
  static constexpr std::size_t ahead = 16;

  /// The final place of a message in pieces, if it has one; else own memory, kept for the next.
  std::byte* place_for(std::size_t bytes) {
    const std::span<std::byte> into = expected_ > done_ ? places_[done_ % ahead] : std::span<std::byte>();
    if (into.size() == bytes) return into.data();
    if (landing_bytes_ < bytes) {
      landing_ = std::unique_ptr<std::byte[]>(new std::byte[bytes]);  // not initialized
      landing_bytes_ = bytes;
    }
    return landing_.get();
  }

  node_channel* out_;
  node_channel* in_;
  neighbour* peer_;

  std::uint64_t sent_ = 0;             ///< slots
  std::span<const std::byte> left_{};  ///< of the message being cut
  std::size_t total_ = 0;

  std::uint64_t taken_ = 0;                           ///< slots
  std::uint64_t expected_ = 0, done_ = 0;             ///< messages
  std::array<std::span<std::byte>, ahead> places_{};  ///< of expected messages
  std::byte* assembled_ = nullptr;
  std::size_t got_ = 0;  ///< bytes of the message being put together
  bool moved_ = false;
  std::unique_ptr<std::byte[]> landing_{};
  std::size_t landing_bytes_ = 0;
};

}  // namespace mics::libfabric
