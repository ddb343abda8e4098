#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <mics/bootstrap/detail/wire.hpp>

namespace mics::bootstrap::detail {

struct siphash_key {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// SipHash-2-4: a short tag of `text` that only who knows the key can compute.
/// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
class siphash {
 public:
  [[nodiscard]] static std::uint64_t tag(const siphash_key& key, byte_view text) noexcept {
    siphash state(key);
    const std::size_t whole = text.size() / 8 * 8;
    for (std::size_t at = 0; at < whole; at += 8) state.absorb(word(text.subspan(at, 8)));
    state.absorb(word(text.subspan(whole)) | static_cast<std::uint64_t>(text.size() & 0xff) << 56);
    return state.finish();
  }

 private:
  explicit siphash(const siphash_key& key) noexcept
      : v0_(key.low ^ 0x736f6d6570736575),
        v1_(key.high ^ 0x646f72616e646f6d),
        v2_(key.low ^ 0x6c7967656e657261),
        v3_(key.high ^ 0x7465646279746573) {}

  /// Up to eight bytes, little endian.
  static std::uint64_t word(byte_view from) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < from.size(); ++i) value |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
    return value;
  }

  void absorb(std::uint64_t block) noexcept {
    v3_ ^= block;
    rounds(2);
    v0_ ^= block;
  }

  std::uint64_t finish() noexcept {
    v2_ ^= 0xff;
    rounds(4);
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

  void rounds(int count) noexcept {
    for (; count > 0; --count) {
      mix(v0_, v1_, 13);
      v0_ = std::rotl(v0_, 32);
      mix(v2_, v3_, 16);
      mix(v0_, v3_, 21);
      mix(v2_, v1_, 17);
      v2_ = std::rotl(v2_, 32);
    }
  }

  static void mix(std::uint64_t& sum, std::uint64_t& turned, int by) noexcept {
    sum += turned;
    turned = std::rotl(turned, by) ^ sum;
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

}  // namespace mics::bootstrap::detail
