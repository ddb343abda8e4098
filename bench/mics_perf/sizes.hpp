#pragma once

#include <charconv>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "options.hpp"

namespace perf {

/// "8", "64K", "1M", "2G": bytes, by powers of 1024 as in nccl-tests.
inline std::size_t parse_bytes(const std::string& text) {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  int shift = 0;
  if (rest + 1 == end) {
    switch (*rest) {
      case 'K':
      case 'k':
        shift = 10;
        break;
      case 'M':
      case 'm':
        shift = 20;
        break;
      case 'G':
      case 'g':
        shift = 30;
        break;
      default:
        break;
    }
  }
  const bool read_all = rest + (shift > 0 ? 1 : 0) == end;
  if (code != std::errc{} || !read_all || value > (std::numeric_limits<std::size_t>::max() >> shift)) {
    throw std::invalid_argument("'" + text + "' is not a size; write bytes with K, M or G behind them, such as 64K");
  }
  return value << shift;
}

/// The sizes asked for, smallest first.
inline std::vector<std::size_t> sweep(const options& chosen) {
  std::vector<std::size_t> sizes;
  for (std::size_t bytes = chosen.min_bytes; bytes <= chosen.max_bytes;) {
    sizes.push_back(bytes);
    const std::size_t next = chosen.step_bytes > 0 ? bytes + chosen.step_bytes : bytes * chosen.factor;
    if (next <= bytes) break;
    bytes = next;
  }
  return sizes;
}

}  // namespace perf
