#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <span>

namespace perf {

/// Bytes on a cache-line border, touched by the thread that makes them.
class memory {
 public:
  explicit memory(std::size_t bytes) : size_(bytes), data_(new (line) std::byte[bytes]) {
    std::memset(data_, 0x5a, bytes);
  }
  ~memory() { ::operator delete[](data_, line); }
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;

  [[nodiscard]] std::span<std::byte> span(std::size_t bytes) { return std::span(data_, size_).first(bytes); }

 private:
  static constexpr std::align_val_t line{64};
  std::size_t size_;
  std::byte* data_;
};

}  // namespace perf
