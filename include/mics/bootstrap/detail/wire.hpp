#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mics::bootstrap::detail {

using bytes = std::vector<std::byte>;
using byte_view = std::span<const std::byte>;

/// Puts numbers (little endian on every machine) and texts one behind the other.
class writer {
 public:
  template <std::unsigned_integral Number> writer& number(Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i) out_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  writer& rank(int value) { return number(static_cast<std::uint32_t>(value)); }
  writer& raw(byte_view value) {
    out_.insert(out_.end(), value.begin(), value.end());
    return *this;
  }
  /// With its length in front.
  writer& block(byte_view value) { return number(static_cast<std::uint32_t>(value.size())).raw(value); }
  writer& text(std::string_view value) { return block(std::as_bytes(std::span(value.data(), value.size()))); }

  [[nodiscard]] byte_view view() const noexcept { return out_; }
  [[nodiscard]] bytes take() { return std::move(out_); }

 private:
  bytes out_;
};

/// Takes apart what a writer put together. Reads behind the end give zeros and are remembered: ask complete() last.
class reader {
 public:
  explicit reader(byte_view from) noexcept : rest_(from) {}

  template <std::unsigned_integral Number> [[nodiscard]] Number number() {
    std::uint64_t value = 0;
    const byte_view from = raw(sizeof(Number));
    for (std::size_t i = 0; i < from.size(); ++i) value |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
    return static_cast<Number>(value);
  }
  [[nodiscard]] int rank() { return static_cast<int>(number<std::uint32_t>()); }
  [[nodiscard]] byte_view raw(std::size_t size) {
    if (size > rest_.size()) {
      short_ = true;
      rest_ = {};
      return {};
    }
    const byte_view taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  [[nodiscard]] byte_view block() { return raw(number<std::uint32_t>()); }
  [[nodiscard]] std::string text() {
    const byte_view from = block();
    return {reinterpret_cast<const char*>(from.data()), from.size()};
  }

  /// Whether everything asked for was there, and nothing is left.
  [[nodiscard]] bool complete() const noexcept { return !short_ && rest_.empty(); }

 private:
  byte_view rest_;
  bool short_ = false;
};

}  // namespace mics::bootstrap::detail
