#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <mics/schedule/part.hpp>
#include <mics/transport/libfabric/rail/registration.hpp>

namespace mics::libfabric {

/// The caller's own memory, registered while a launch uses it: a buffer once, when its first large message needs it,
/// whatever the number of messages and peers; and given up when the launch ends.
///
/// Why no longer. A registration pins pages, not addresses. Memory that its owner frees and gets back at the same
/// address lies in other pages, and a registration that was kept would let the network write into the old ones. Only
/// who watches the process give memory back can keep registrations: libfabric does, for providers that use its cache
/// (settings: FI_MR_CACHE_MONITOR and others). verbs caches what its users register, so that a launch finds its buffer
/// of the last time still registered. efa does not once its user registers for itself, as everybody must whose memory
/// is written by peers: there, each launch registers at most two buffers a collective, unless their owner says that
/// they stay: shared_memory and a registered_buffer are registered until they go, and never looked for here. Providers
/// without mr_mode bits (net, tcp, tcp;ofi_rxm) pin nothing: to them a registration is an entry in a table.
///
/// So it needs no bound of its own: what is registered are the buffers of the running launch, and nothing else.
class launch_memory {
 public:
  /// A launch begins; `parts` stay until it ends.
  void begin(std::span<const schedule::part> parts) {
    end();
    parts_ = parts;
  }

  /// The launch is over, and with it all use of the memory by the network.
  void end() noexcept {
    known_.clear();
    buffers_.clear();
    parts_ = {};
  }

  /// The registration of the buffer around `message`.
  [[nodiscard]] const registration& around(std::span<const std::byte> message, registrar& at, memory_use use) {
    if (buffers_.empty()) find_buffers();
    const range wanted{message.data(), message.data() + message.size(), use};
    for (const entry& e : known_) {
      if (e.of.holds(wanted)) return e.known;
    }
    const auto found =
        std::find_if(buffers_.begin(), buffers_.end(), [&](const range& buffer) { return buffer.holds(wanted); });
    const range whole = found == buffers_.end() ? wanted : *found;
    return known_
        .emplace_back(whole, registration(at, {whole.begin, static_cast<std::size_t>(whole.end - whole.begin)}, use))
        .known;
  }

 private:
  struct range {
    const std::byte* begin = nullptr;
    const std::byte* end = nullptr;
    memory_use use = memory_use::sent;

    /// May it be used so, too? What peers write may be sent as well; but the caller's input may be read-only memory.
    [[nodiscard]] bool holds(const range& other) const noexcept {
      return !std::less<>()(other.begin, begin) && !std::less<>()(end, other.end) &&
             (use == memory_use::written || other.use == use);
    }
  };
  struct entry {
    entry(const range& buffer, registration made) : of(buffer), known(std::move(made)) {}
    range of;
    registration known;
  };

  /// What the steps of each part touch of its input and of its output. It lies in the caller's buffer, which has no
  /// holes.
  void find_buffers() {
    for (const schedule::part& p : parts_) {
      range input{nullptr, nullptr, memory_use::sent}, output{nullptr, nullptr, memory_use::written};
      const auto touch = [&](const schedule::place& at) {
        if (at.in != schedule::buffer::input && at.in != schedule::buffer::output) return;
        const schedule::extent all = p.layout.piece(at.first, at.count, 0, 1);
        const std::byte* const begin = p.source(at, all);
        extend(at.in == schedule::buffer::input ? input : output, begin, begin + all.length * size_of(p.type));
      };
      for (const auto* kind : {&p.steps->sends, &p.steps->folds}) {
        for (const schedule::sequence& all : *kind) {
          for (const schedule::step& s : all.steps) {
            touch(s.at);
            touch(s.own);
          }
        }
      }
      for (const range& r : {output, input}) {
        if (r.begin != r.end) buffers_.push_back(r);
      }
    }
  }

  static void extend(range& r, const std::byte* begin, const std::byte* end) {
    if (begin == end) return;
    r.begin = r.begin == nullptr ? begin : std::min(r.begin, begin, std::less<>());
    r.end = r.end == nullptr ? end : std::max(r.end, end, std::less<>());
  }

  std::span<const schedule::part> parts_{};
  std::vector<range> buffers_{};  ///< found when the first is needed: small launches pay nothing
  std::deque<entry> known_{};     ///< entries keep their place
};

}  // namespace mics::libfabric
